using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>How rounds begin, how tasks follow each other and are committed, and how it ends.</summary>
internal static class RoundFlow
{
    /// <summary>Does whatever the state allows now.</summary>
    public static void Advance(Turn turn)
    {
        if (turn.State.RollCallUntil is { } until)
        {
            if (turn.Now < until || (!turn.State.Status.IsFinal() && Takeover.WaitsForReports(turn)))
                return;
            Takeover.EndRollCall(turn);
        }
        for (var moved = true; moved && !turn.State.Status.IsFinal();)
            moved = Begin(turn) || CommitWhatIsDone(turn) || StartWhatIsReady(turn) || FinishRound(turn);
    }

    /// <summary>Ends the run; what is under way is given up.</summary>
    public static void End(Turn turn, RunStatus status, string reason)
    {
        if (turn.State.Status.IsFinal())
        {
            // A finished run has nothing to end but its traces.
            if (status == RunStatus.Removed)
                Remove(turn, reason);
            return;
        }
        foreach (var task in turn.State.Tasks.Values)
        {
            foreach (var attempt in task.Placed.Values.Where(a => a.Phase is AttemptPhase.Scheduled or AttemptPhase.Accepted))
                AttemptFlow.Cancel(turn, attempt, $"the swarm has ended: {reason}");
        }
        if (status == RunStatus.Removed)
        {
            Remove(turn, reason);
            return;
        }
        turn.State = turn.State with { Status = status, Reason = reason, Waiting = null };
        ClearRetired(turn);
        turn.Dirty = true;
        turn.Do(new CoordinatorAction.Leave());
    }

    private static void Remove(Turn turn, string reason)
    {
        foreach (var blob in turn.State.Retiring.Concat(turn.State.Globals.Values.Select(g => g.Content.Blob).OfType<BlobRef>()).DistinctBy(b => b.Sha256))
            turn.Do(new CoordinatorAction.ClearBlob(blob));
        foreach (var entry in turn.State.EffectiveGlobals())
            turn.Do(new CoordinatorAction.ClearGlobal(entry.Tag));
        turn.State = turn.State with
        {
            Status = RunStatus.Removed, Reason = reason, Waiting = null, Retiring = [],
            Tasks = CoordinatorState.Ordered<TaskRound>(), Globals = CoordinatorState.Ordered<GlobalEntry>(), History = [],
        };
        turn.Dirty = true;
        turn.Do(new CoordinatorAction.Leave());
    }

    /// <summary>The setup task, or the first round, once there are nodes for it.</summary>
    private static bool Begin(Turn turn)
    {
        var state = turn.State;
        if (state.Status != RunStatus.Starting || !state.Tasks.IsEmpty || state.Paused)
            return false;
        foreach (var task in state.Definition.Tasks.Prepend(state.Definition.Setup).OfType<TaskDefinition>())
        {
            var eligible = Placement.Eligible(state, task).Length;
            var wanted = task.Method == PlacementMethod.All && task.After.IsEmpty && task.Alias != TaskDefinition.SetupAlias
                ? state.Definition.Rounds.MinimumNodes
                : 1;
            if (eligible >= wanted)
                continue;
            var waiting = eligible == 0 ? Placement.Explain(state, task) : $"task '{task.Alias}' has {eligible} of {wanted} nodes";
            if (eligible == 0 && turn.Now - state.Began >= state.Timing.Patience && state.Members.Values.Any(m => m.Online))
            {
                End(turn, RunStatus.Refused, waiting);
                return true;
            }
            Wait(turn, waiting);
            return false;
        }
        Wait(turn, null);
        if (state.Definition.Setup is { } setup && !state.SetUp)
        {
            turn.State = turn.State with { Round = 0, RoundBegan = turn.Now, Tasks = CoordinatorState.Ordered<TaskRound>().Add(setup.Alias, Placed(turn.State, setup)) };
            turn.Dirty = true;
            return true;
        }
        return StartRound(turn, turn.State.Round + 1, StartPoint.Request(turn.State.Definition));
    }

    private static bool StartRound(Turn turn, int round, NextRequest? request)
    {
        turn.State = turn.State with
        {
            Status = RunStatus.Running,
            SetUp = true,
            Round = round,
            RoundBegan = turn.Now,
            FromAlias = request?.Alias,
            FromNodes = request?.Nodes,
            Traffic = turn.State.Traffic with { AtRoundStart = turn.State.Status == RunStatus.Starting ? default : turn.State.Traffic.Total },
        };
        ClearRetired(turn);
        var taking = request?.Alias is { } alias ? new SwarmGraph(turn.State.Definition).RoundFrom(alias) : default(ImmutableArray<string>?);
        var tasks = CoordinatorState.Ordered<TaskRound>().ToBuilder();
        foreach (var task in turn.State.Definition.Tasks)
        {
            tasks[task.Alias] = taking is null || taking.Value.Contains(task.Alias)
                ? Placed(turn.State, task)
                : new TaskRound { Task = task, Phase = TaskPhase.Skipped };
        }
        turn.State = turn.State with { Tasks = tasks.ToImmutable() };
        turn.Dirty = true;
        return true;
    }

    private static TaskRound Placed(CoordinatorState state, TaskDefinition task) => new()
    {
        Task = task,
        Placed = Placement.Choose(state, task).Aggregate(
            CoordinatorState.Ordered<Attempt>(), (placed, node) => placed.Add(node, new Attempt { Node = node })),
    };

    private static bool StartWhatIsReady(Turn turn)
    {
        if (turn.State.Paused)
            return false;
        var moved = false;
        string? waiting = null;
        foreach (var round in turn.State.Tasks.Values.Where(t => t.Phase == TaskPhase.Pending))
        {
            if (round.Task.After.Any(alias => turn.State.Tasks.TryGetValue(alias, out var before) && before.Phase is TaskPhase.Pending or TaskPhase.Running))
                continue;
            var task = round.Placed.IsEmpty ? Placed(turn.State, round.Task) with { LeftOut = round.LeftOut } : round;
            if (task.Placed.IsEmpty)
            {
                waiting ??= Placement.Explain(turn.State, task.Task);
                continue;
            }
            turn.Put(task with { Phase = TaskPhase.Running });
            if (task.Task.Fixed)
                turn.State = turn.State with { FixedPlacement = turn.State.FixedPlacement.SetItem(task.Task.Alias, [.. task.Placed.Keys]) };
            foreach (var attempt in task.Placed.Values.Where(a => a.Phase == AttemptPhase.Waiting))
                AttemptFlow.Schedule(turn, round.Task.Alias, attempt);
            turn.Dirty = moved = true;
        }
        if (turn.State.Tasks.Count > 0)
            Wait(turn, waiting);
        return moved;
    }

    private static bool CommitWhatIsDone(Turn turn)
    {
        foreach (var round in turn.State.Tasks.Values.Where(t => t.Phase == TaskPhase.Running && !t.Placed.Values.Any(a => a.IsOpen)))
        {
            var completed = round.Placed.Values.Count(a => a.Phase == AttemptPhase.Completed);
            var total = round.Placed.Count + round.LeftOut.Count;
            var needed = Math.Max(1, (int)Math.Ceiling((turn.State.Definition.Rounds.Quorum * total) - 1e-9));
            if (completed < needed)
            {
                var troubles = string.Join("; ", StateView.Troubles(round).Select(t => $"{t.Node}: {t.Reason}"));
                End(turn, RunStatus.Failed, $"round {turn.State.Round}, task '{round.Task.Alias}': {completed} of {total} nodes completed where {needed} are needed ({troubles})");
                return true;
            }
            Commit(turn, round);
            return true;
        }
        return false;
    }

    private static void Commit(Turn turn, TaskRound round)
    {
        turn.Put(round with { Phase = TaskPhase.Committed });
        turn.Dirty = true;
        foreach (var staged in round.Placed.Values.Where(a => a.Record is not null).SelectMany(a => a.Record!.Globals))
        {
            var before = turn.State.Globals.GetValueOrDefault(staged.Tag);
            var entry = new GlobalEntry { Tag = staged.Tag, Version = (before?.Version ?? 0) + 1, Round = turn.State.Round, Content = staged.Content };
            turn.State = turn.State with { Globals = turn.State.Globals.SetItem(entry.Tag, entry) };
            turn.Do(new CoordinatorAction.PublishGlobal(entry));
            if (before?.Content.Blob is { } replaced)
                turn.State = turn.State with { Retiring = turn.State.Retiring.Add(replaced) };
        }
    }

    private static void ClearRetired(Turn turn)
    {
        // What the definition starts with is kept, so that it can be started again.
        var lasting = turn.State.Retiring.Where(b => StartPoint.Has(turn.State.Definition, b)).DistinctBy(b => b.Sha256);
        foreach (var old in turn.State.Retiring.Except(lasting).Where(b => !IsCommitted(turn.State, b)).DistinctBy(b => b.Sha256))
            turn.Do(new CoordinatorAction.ClearBlob(old));
        turn.State = turn.State with { Retiring = [.. lasting] };
    }

    // Two tags, or two versions, can have the same bytes and so the same chunks.
    private static bool IsCommitted(CoordinatorState state, BlobRef blob) =>
        state.Globals.Values.Any(g => g.Content.Blob?.Sha256 == blob.Sha256);

    private static bool FinishRound(Turn turn)
    {
        var state = turn.State;
        if (state.Tasks.IsEmpty || state.Tasks.Values.Any(t => t.Phase is TaskPhase.Pending or TaskPhase.Running))
            return false;
        if (state.Status == RunStatus.Starting)
            return StartRound(turn, 1, null);
        // Summed up already: a run that had ended behind this round, and that is to go on.
        if (state.History.LastOrDefault()?.Round == state.Round)
        {
            if (state.Round < state.Definition.Rounds.Maximum)
                return StartRound(turn, state.Round + 1, new NextRequest { Alias = state.FromAlias, Nodes = state.FromNodes });
            End(turn, RunStatus.Completed, $"all {state.Definition.Rounds.Maximum} rounds done");
            return true;
        }
        var request = state.Tasks.Values.SelectMany(t => t.Placed.Values).Select(a => a.Record?.Next).FirstOrDefault(next => next is not null);
        var summary = RoundSummaries.Of(state, request, turn.Now);
        // What was asked for stays in the state also where the run ends, for one that goes on from its checkpoint.
        turn.State = state with { History = [.. state.History.Append(summary).TakeLast(SwarmState.MaximumHistory)], FromAlias = request?.Alias, FromNodes = request?.Nodes };
        turn.Dirty = true;
        switch (request)
        {
            case { Stop: true }:
                End(turn, request.Converged ? RunStatus.Completed : RunStatus.Stopped, request.Reason ?? "a task asked for the end");
                break;
            case null:
                End(turn, RunStatus.Completed, "no task asked for another round");
                break;
            case not null when state.Round >= state.Definition.Rounds.Maximum:
                End(turn, RunStatus.Completed, $"all {state.Definition.Rounds.Maximum} rounds done{(request.Reason is { } why ? $" ({why})" : "")}");
                break;
            case { Alias: { } alias } when state.Definition.Tasks.All(t => t.Alias != alias):
                End(turn, RunStatus.Failed, $"the next round was asked to start from '{alias}', which is no task of this swarm");
                break;
            default:
                StartRound(turn, state.Round + 1, request);
                break;
        }
        return true;
    }

    public static void Wait(Turn turn, string? reason)
    {
        if (turn.State.Waiting == reason)
            return;
        turn.State = turn.State with { Waiting = reason };
        turn.Dirty = true;
    }
}
