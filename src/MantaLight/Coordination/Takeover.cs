using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>How a successor picks up a run: what was committed from the state, what was under way from the members.</summary>
internal static class Takeover
{
    public static void GoOn(Turn turn, SwarmState retained)
    {
        var state = turn.State;
        var globals = CoordinatorState.Ordered<GlobalEntry>().ToBuilder();
        foreach (var entry in retained.Globals)
            globals[entry.Tag] = entry;
        var total = new Flow(retained.BytesUp, retained.BytesDown);
        state = state with
        {
            // A paused run, or one that had ended and whose owner wants it to go on, is in neither condition of those two.
            Status = retained.Round == (state.Definition.Start?.Round ?? 0) ? RunStatus.Starting : RunStatus.Running,
            Paused = retained.Status == RunStatus.Paused,
            TookOver = turn.Now,
            Retiring = retained.Retiring,
            Round = retained.Round,
            SetUp = retained.Round > 0,
            FromAlias = retained.FromAlias,
            FromNodes = retained.FromNodes,
            Globals = globals.ToImmutable(),
            History = retained.History,
            RollCallUntil = turn.Now + state.Timing.RollCall,
            Traffic = new Traffic { Inherited = total, AtRoundStart = total },
        };
        turn.State = state;
        var tasks = CoordinatorState.Ordered<TaskRound>().ToBuilder();
        foreach (var before in retained.Tasks)
        {
            if (state.Definition.Find(before.Alias) is not { } task)
                continue;
            var left = before.Phase == TaskPhase.Committed
                ? before.Troubles.Aggregate(CoordinatorState.Ordered<string>(), (all, t) => all.SetItem(t.Node, t.Reason))
                : CoordinatorState.Ordered<string>();
            var nodes = before.Placed <= before.Nodes.Length ? before.Nodes : Placement.Choose(state, task);
            if (task.Fixed && before.Placed <= before.Nodes.Length && before.Phase != TaskPhase.Pending)
                turn.State = turn.State with { FixedPlacement = turn.State.FixedPlacement.SetItem(task.Alias, before.Nodes) };
            tasks[task.Alias] = new TaskRound
            {
                Task = task,
                // What was running is started again after the roll call, for those who do not report it.
                Phase = before.Phase == TaskPhase.Running ? TaskPhase.Pending : before.Phase,
                Placed = before.Phase == TaskPhase.Pending ? CoordinatorState.Ordered<Attempt>() : nodes.Where(n => !left.ContainsKey(n)).Aggregate(
                    CoordinatorState.Ordered<Attempt>(), (placed, node) => placed.Add(node, new Attempt { Node = node })),
                LeftOut = left,
            };
        }
        turn.State = turn.State with { Tasks = tasks.ToImmutable() };
        foreach (var node in state.Members.Where(m => m.Value.Online).Select(m => m.Key))
            CallRoll(turn, node);
        turn.Dirty = true;
    }

    public static void CallRoll(Turn turn, string node) => turn.Do(new CoordinatorAction.CallRoll(node, new RollCall
    {
        Run = turn.State.Run.ToString(), Term = turn.State.Term, Swarm = turn.State.Swarm,
    }));

    /// <summary>Whether results that were committed, and that a task to come reads, have not been reported yet and may still be.</summary>
    public static bool WaitsForReports(Turn turn)
    {
        var missing = Missing(turn.State).Select(m => m.Attempt.Node).Distinct().Order(StringComparer.Ordinal).ToArray();
        if (missing.Length == 0 || turn.Now - turn.State.TookOver >= turn.State.Timing.Patience)
            return false;
        RoundFlow.Wait(turn, $"committed results of {string.Join(", ", missing.Take(5))}{(missing.Length > 5 ? ", …" : "")} are not reported yet");
        return true;
    }

    /// <summary>Goes on with what was reported. What was committed and is not to be had is made again: the same seed gives the same bits.</summary>
    public static void EndRollCall(Turn turn)
    {
        foreach (var (task, _) in Missing(turn.State).DistinctBy(m => m.Task.Task.Alias).ToArray())
            turn.Put(task with { Phase = TaskPhase.Pending });
        turn.State = turn.State with { RollCallUntil = null, Waiting = null };
        turn.Dirty = true;
    }

    private static IEnumerable<(TaskRound Task, Attempt Attempt)> Missing(CoordinatorState state) =>
        from task in state.Tasks.Values
        where task.Phase == TaskPhase.Committed
            && state.Tasks.Values.Any(next => next.Phase is TaskPhase.Pending or TaskPhase.Running && next.Task.After.Contains(task.Task.Alias))
        from attempt in task.Placed.Values
        where attempt.Record is null
        select (task, attempt);

    /// <summary>A member's report of an attempt that a predecessor had scheduled.</summary>
    public static void Adopt(Turn turn, TaskRound task, TaskUpdate update)
    {
        if (!task.Placed.TryGetValue(update.From, out var attempt) || task.LeftOut.ContainsKey(update.From))
            return;
        var number = AttemptId.NumberOf(update.Attempt);
        if (number < attempt.Number || attempt.Phase == AttemptPhase.Completed)
            return;
        attempt = attempt with
        {
            Number = number,
            Id = update.Attempt,
            Incarnation = update.Incarnation,
            Deadline = attempt.Deadline == default ? turn.Now + turn.State.Definition.Rounds.Deadline : attempt.Deadline,
            LastSent = turn.Now,
            Phase = AttemptPhase.Accepted,
        };
        // Committed long ago: only its results are wanted, as inputs of what follows.
        if (task.Phase == TaskPhase.Committed)
        {
            if (update is not TaskCompleted record || RecordCheck.ProblemOf(record, maySetGlobals: task.Placed.Count == 1) is not null)
                return;
            attempt = attempt with { Phase = AttemptPhase.Completed, Record = record };
        }
        turn.Put(task.Task.Alias, attempt);
    }
}
