using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>
/// A swarm's coordination without I/O, clock or randomness: (state, event, now) gives a new state and actions. The same
/// events in the same order give the same actions on every machine.
/// </summary>
internal static class CoordinatorMachine
{
    public static (CoordinatorState State, IReadOnlyList<CoordinatorAction> Actions) Step(
        CoordinatorState state, CoordinatorEvent happening, DateTimeOffset now)
    {
        var turn = new Turn(state, now) { IsTick = happening is CoordinatorEvent.Tick };
        switch (happening)
        {
            case CoordinatorEvent.MemberSeen e:
                MemberSeen(turn, e.Presence);
                break;
            case CoordinatorEvent.UpdateSeen e:
                AttemptFlow.UpdateSeen(turn, e.Update);
                break;
            case CoordinatorEvent.ControlSeen e:
                ControlSeen(turn, e.Action);
                break;
            // What is news to the node may be what its coordinator has found, and runs already.
            case CoordinatorEvent.RunEnded e when e.By == turn.State.Run.Definition:
                break;
            case CoordinatorEvent.RunEnded e:
                RunEnd.End(turn, e.Status, e.Reason);
                break;
            case CoordinatorEvent.BlobCleared e:
                RunEnd.Cleared(turn, e.Blob);
                break;
            case CoordinatorEvent.GlobalMissed e:
                turn.State = turn.State with { Missed = e.IsMissing ? turn.State.Missed.Add(e.Hash) : turn.State.Missed.Remove(e.Hash) };
                break;
            case CoordinatorEvent.StartRemembered e when e.Start > Math.Max(turn.State.Run.Start, turn.State.Counted):
                turn.State = turn.State with { Counted = e.Start };
                turn.Dirty = true;
                break;
            case CoordinatorEvent.StartRemembered:
                break;
            case CoordinatorEvent.StateOverwritten:
                turn.News = true;
                break;
            case CoordinatorEvent.Tick e:
                turn.State = turn.State with { Traffic = turn.State.Traffic with { Coordinator = e.Traffic } };
                AttemptFlow.CheckTimes(turn);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(happening), happening, null);
        }
        RoundFlow.Advance(turn);
        return turn.End();
    }

    /// <summary>The first step: begins a new run, or goes on with one that a predecessor has left.</summary>
    /// <param name="fresh">The run as it is when it begins.</param>
    /// <param name="retained">The state that stands on the broker: this run's, another run's, or none.</param>
    /// <param name="goesOn">Whether it goes on with the retained state's run, or with a new run from where that had ended.</param>
    /// <param name="members">The nodes' presence.</param>
    /// <param name="now">The time.</param>
    public static (CoordinatorState State, IReadOnlyList<CoordinatorAction> Actions) Begin(
        CoordinatorState fresh, SwarmState? retained, bool goesOn, IEnumerable<Presence> members, DateTimeOffset now)
    {
        var turn = new Turn(fresh with { Began = now, RoundBegan = now }, now);
        foreach (var presence in members)
            MemberSeen(turn, presence);
        if (goesOn && retained is not null)
        {
            Takeover.GoOn(turn, retained);
            // The pointers follow the state, and are repaired from it.
            PublishGlobals(turn, retained);
        }
        else
        {
            turn.State = StartPoint.Of(turn.State);
            PublishGlobals(turn, retained);
            // Another run's chunks go with this run's first replaced ones.
            turn.State = turn.State with { Retiring = retained is null ? [] : [.. retained.Retiring, .. retained.Globals.Select(g => g.Content.Blob).OfType<BlobRef>()] };
            turn.Dirty = true;
        }
        RoundFlow.Advance(turn);
        return turn.End();
    }

    private static void PublishGlobals(Turn turn, SwarmState? retained)
    {
        var entries = turn.State.EffectiveGlobals();
        foreach (var stale in (retained?.Tags ?? []).Except(entries.Select(e => e.Tag)))
            turn.Do(new CoordinatorAction.ClearGlobal(stale));
        foreach (var entry in entries)
            turn.Do(new CoordinatorAction.PublishGlobal(entry));
    }

    private static void MemberSeen(Turn turn, Presence presence)
    {
        var members = turn.State.Members;
        var since = members.TryGetValue(presence.From, out var known) && known.Presence.Status == presence.Status
            && known.Presence.Incarnation == presence.Incarnation ? known.Since : turn.Now;
        // The will of a dead incarnation can come after its successor's first word.
        if (known is { Online: true } && presence.Status == NodeStatus.Offline && presence.Incarnation != known.Presence.Incarnation)
            return;
        turn.State = turn.State with { Members = members.SetItem(presence.From, new Member(presence, since)) };
        if (since == turn.Now && presence.Status == NodeStatus.Online)
            Takeover.MemberIsBack(turn, presence.From);
    }

    private static void ControlSeen(Turn turn, SwarmAction action)
    {
        switch (action)
        {
            case SwarmAction.Stop when !turn.State.Status.IsFinal():
                RunEnd.End(turn, RunStatus.Stopped, "stopped by its owner");
                break;
            case SwarmAction.Pause when !turn.State.Paused:
            case SwarmAction.Resume when turn.State.Paused:
                turn.State = turn.State with { Paused = action == SwarmAction.Pause };
                // Nobody was waited for meanwhile.
                foreach (var pending in turn.State.Tasks.Values.Where(t => t.Phase == TaskPhase.Pending))
                    turn.Put(pending with { Since = default });
                turn.Dirty = true;
                break;
        }
    }
}
