using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>How rounds begin, how tasks follow each other, and what comes next.</summary>
internal static class RoundFlow
{
    /// <summary>Does whatever the state allows now.</summary>
    public static void Advance(Turn turn)
    {
        if (!Takeover.IsCallingRoll(turn))
        {
            do
            {
                for (var moved = true; moved && !turn.State.Status.IsFinal();)
                    moved = Begin(turn) || CommitFlow.CommitWhatIsDone(turn) || StartWhatIsReady(turn) || Takeover.MakesInputsAgain(turn) || FinishRound(turn);
                ScheduleWindow.Fill(turn);
            }
            while (!turn.State.Status.IsFinal() && CommitFlow.CommitWhatIsDone(turn));
        }
        Waits.Tell(turn);
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
            var wanted = Placement.Least(state, task);
            if (task.Method == PlacementMethod.All && task.After.IsEmpty && task.Alias != TaskDefinition.SetupAlias)
                wanted = Math.Max(wanted, state.Definition.Rounds.MinimumNodes);
            if (eligible >= wanted)
                continue;
            string Waiting() => Placement.Explain(state, task, wanted);
            if (eligible == 0 && turn.Now - state.Began >= state.Timing.Patience && state.Members.Values.Any(m => m.Online))
            {
                RunEnd.End(turn, RunStatus.Refused, Waiting());
                return true;
            }
            turn.Blocked = Waiting;
            return false;
        }
        turn.Blocked = null;
        if (state.Definition.Setup is { } setup && !state.SetUp)
        {
            turn.State = turn.State with { Round = 0, RoundBegan = turn.Now, Tasks = CoordinatorState.Ordered<TaskRound>().Add(setup.Alias, Placed(turn.State, setup)) };
            turn.Dirty = true;
            return true;
        }
        return StartRound(turn, turn.State.Round + 1, StartPoint.Request(turn.State.Definition));
    }

    /// <summary>Begins a round as the request says.</summary>
    public static bool StartRound(Turn turn, int round, NextRequest? request)
    {
        var before = turn.State.Tasks;
        request = request is null ? null : request with { Alias = SecureTasks.BeginOf(turn.State.Definition, request.Alias) };
        turn.State = turn.State with
        {
            Status = RunStatus.Running,
            SetUp = true,
            Round = round,
            RoundBegan = turn.Now,
            FromAlias = request?.Alias,
            FromNodes = request?.Nodes,
            FromMaximum = request?.Maximum,
            Replaced = [],
            Traffic = turn.State.Traffic with { AtRoundStart = turn.State.Status == RunStatus.Starting ? default : turn.State.Traffic.Total },
        };
        var taking = request?.Alias is { } alias ? new SwarmGraph(turn.State.Definition).RoundFrom(alias) : default(ImmutableArray<string>?);
        var tasks = CoordinatorState.Ordered<TaskRound>().ToBuilder();
        foreach (var task in turn.State.Definition.Tasks)
        {
            var takesPart = taking is null || taking.Value.Contains(task.Alias);
            var placed = task.Asynchronous is not null ? Asynchrony.Begin(turn, task, before.GetValueOrDefault(task.Alias), takesPart)
                : takesPart ? Placed(turn.State, task)
                : TaskRound.Of(task, [], round) with { Phase = TaskPhase.Skipped };
            tasks[task.Alias] = placed with { Recent = before.GetValueOrDefault(task.Alias)?.Recent ?? [] };
        }
        turn.State = turn.State with { Tasks = tasks.ToImmutable() };
        turn.State = turn.State with { ReadIn = Asynchrony.ReadIn(turn.State) };
        RunEnd.ClearRetired(turn);
        turn.Dirty = true;
        return true;
    }

    private static TaskRound Placed(CoordinatorState state, TaskDefinition task) => TaskRound.Of(task, Placement.Choose(state, task), state.Round);

    private static bool StartWhatIsReady(Turn turn)
    {
        if (turn.State.Paused || turn.State.Tasks.IsEmpty)
            return false;
        var moved = false;
        turn.Blocked = null;
        foreach (var pending in turn.State.Tasks.Values.Where(t => t.Phase == TaskPhase.Pending))
        {
            if (pending.Task.After.Any(alias => turn.State.Tasks.TryGetValue(alias, out var before) && before.Phase is TaskPhase.Pending or TaskPhase.Running))
                continue;
            var task = pending.Placed.IsEmpty
                ? Placed(turn.State, pending.Task) with { LeftOut = pending.LeftOut, Recent = pending.Recent }
                : WithoutLost(turn, pending);
            if (task.Placed.IsEmpty)
            {
                string Waiting() => Placement.Explain(turn.State, task.Task, Placement.Least(turn.State, task.Task));
                if (pending.Since == default)
                    turn.Put(pending with { Since = turn.Now });
                else if (Shortfall.MeetUnplaced(turn, pending, Waiting))
                    return true;
                turn.Blocked ??= Waiting;
                continue;
            }
            turn.Put(task with { Phase = TaskPhase.Running, Since = turn.Now, Deadline = Deadlines.Of(turn.State, task) });
            if (task.Task.Fixed)
                turn.State = turn.State with { FixedPlacement = turn.State.FixedPlacement.SetItem(task.Task.Alias, [.. task.Placed.Keys]) };
            turn.Dirty = moved = true;
        }
        return moved;
    }

    /// <summary>The task as it is placed, but for nodes that are known to be away now.</summary>
    private static TaskRound WithoutLost(Turn turn, TaskRound task)
    {
        var state = turn.State;
        // Whoever is at work without a barrier goes on with it.
        if (task.Task.Asynchronous is not null)
            return task;
        foreach (var attempt in task.Placed.Values.Where(a => a.IsOpen && Placement.IsAway(state, a.Node, turn.Now)))
        {
            if (task.Task.Method == PlacementMethod.Any)
            {
                if (Placement.Replacement(state, task) is { } other)
                    task = AttemptFailure.Moved(task, attempt, other);
            }
            // Whom an earlier task of the round was committed without is not waited for once more.
            else if (task.Placed.Count > 1 && state.Tasks.Values.FirstOrDefault(t => IsWithout(t, attempt.Node)) is { } earlier)
            {
                var left = new NodeTrouble { Node = attempt.Node, Reason = $"away since task '{earlier.Task.Alias}'" };
                task = task.Without(attempt.Node) with { LeftOut = task.LeftOut.SetItem(attempt.Node, left) };
            }
        }
        return task;
    }

    private static bool IsWithout(TaskRound task, string node) => task.Phase == TaskPhase.Committed
        && (task.LeftOut.ContainsKey(node) || task.Placed.GetValueOrDefault(node) is { Phase: AttemptPhase.Failed });

    /// <summary>Takes the round into the history.</summary>
    public static void Close(Turn turn, RoundSummary summary)
    {
        turn.State = turn.State with
        {
            History = [.. turn.State.History.Append(summary).TakeLast(SwarmState.MaximumHistory)],
            Absences = Absences.AfterRound(turn.State),
            Seconds = turn.State.Seconds + Math.Max(0, (turn.Now - turn.State.RoundBegan).TotalSeconds),
            CommitsBefore = turn.State.Tasks.Where(t => t.Value.Phase == TaskPhase.Committed)
                .Aggregate(CoordinatorState.Ordered<DateTimeOffset>(), (all, t) => all.Add(t.Key, t.Value.CommittedAt)),
        };
        turn.Dirty = true;
    }

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
                return StartRound(turn, state.Round + 1, new NextRequest { Alias = state.FromAlias, Nodes = state.FromNodes, Maximum = state.FromMaximum });
            RunEnd.End(turn, RunStatus.Completed, $"all {state.Definition.Rounds.Maximum} rounds done");
            return true;
        }
        // Who asks for the end has a reason that others do not know.
        var requests = state.Tasks.Values.Select(t => t.Next).OfType<NextRequest>().ToArray();
        var request = Array.Find(requests, next => next.Stop) ?? requests.FirstOrDefault();
        Close(turn, RoundSummaries.Of(state, request, turn.Now));
        // What was asked for stays in the state also where the run ends, for one that goes on from its checkpoint.
        turn.State = turn.State with { FromAlias = request?.Alias, FromNodes = request?.Nodes, FromMaximum = request?.Maximum };
        switch (request)
        {
            case { Stop: true }:
                RunEnd.End(turn, request.Converged ? RunStatus.Completed : RunStatus.Stopped, request.Reason ?? "a task asked for the end");
                break;
            case null:
                RunEnd.End(turn, RunStatus.Completed, "no task asked for another round");
                break;
            case not null when state.Round >= state.Definition.Rounds.Maximum:
                RunEnd.End(turn, RunStatus.Completed, $"all {state.Definition.Rounds.Maximum} rounds done{(request.Reason is { } why ? $" ({why})" : "")}");
                break;
            case { Alias: { } alias } when state.Definition.Tasks.All(t => t.Alias != alias):
                RunEnd.End(turn, RunStatus.Failed, $"the next round was asked to start from '{alias}', which is no task of this swarm");
                break;
            default:
                StartRound(turn, state.Round + 1, request);
                break;
        }
        return true;
    }
}
