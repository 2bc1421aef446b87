using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>How a task's effects become the swarm's: together, and once.</summary>
internal static class CommitFlow
{
    /// <summary>Commits a task whose attempts have all ended, or has its shortfall met; false where nothing has changed.</summary>
    public static bool CommitWhatIsDone(Turn turn)
    {
        foreach (var task in turn.State.Tasks.Values.Where(t => t.Phase == TaskPhase.Running && (Asynchrony.IsFull(t) || (t.Open == 0 && !Shortfall.AwaitsUnseen(turn, t)))))
        {
            if (task.Counts.Completed < Shortfall.NeededOf(turn.State, task))
            {
                if (Shortfall.Meet(turn, task))
                    return true;
                continue;
            }
            // The definition's fault, whatever it says of shortfalls.
            if (VisibleGlobals.ConflictOf(turn.State, task) is { } conflict)
                RunEnd.End(turn, RunStatus.Failed, $"round {turn.State.Round}: {conflict}");
            else
                Commit(turn, Asynchrony.Committed(task));
            return true;
        }
        return false;
    }

    private static void Commit(Turn turn, TaskRound task)
    {
        var next = task.Placed.Values.Select(a => a.Record?.Next).FirstOrDefault(n => n is not null);
        turn.Put(Deadlines.Committed(task) with { Phase = TaskPhase.Committed, CommittedAt = turn.Now, Again = false, Next = next, Unseen = [] });
        turn.Dirty = true;
        // Where it could not be done it is not tried first again.
        if (task.Task is { Fixed: true, Method: PlacementMethod.Any })
        {
            var done = task.Placed.Values.Where(a => a.Phase == AttemptPhase.Completed).Select(a => a.Node);
            turn.State = turn.State with { FixedPlacement = turn.State.FixedPlacement.SetItem(task.Task.Alias, [.. done]) };
        }
        // Its globals stand already: what was made again is its results.
        if (task.Again)
            return;
        foreach (var staged in task.Placed.Values.Where(a => a.Record is not null).SelectMany(a => a.Record!.Globals))
        {
            var before = turn.State.Globals.GetValueOrDefault(staged.Tag);
            var entry = new GlobalEntry { Tag = staged.Tag, Version = (before?.Version ?? 0) + 1, Round = turn.State.Round, Content = staged.Content };
            turn.State = turn.State with
            {
                Globals = turn.State.Globals.SetItem(entry.Tag, entry),
                Replaced = turn.State.Replaced.Add(new ReplacedGlobal { Alias = task.Task.Alias, Tag = entry.Tag, Before = before }),
            };
            turn.Do(new CoordinatorAction.PublishGlobal(entry));
            if (before?.Content.Blob is { } replaced)
                turn.State = turn.State with { Retiring = turn.State.Retiring.Add(replaced), Clearing = turn.State.Clearing.Remove(replaced.Sha256) };
        }
    }
}
