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
            Status = retained.Status == RunStatus.Paused ? RunStatus.Running : retained.Status,
            Paused = retained.Status == RunStatus.Paused,
            Reason = retained.Reason,
            Round = retained.Round,
            SetUp = retained.Round > 0 || retained.Status != RunStatus.Starting,
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
            var nodes = before.Placed <= before.Nodes.Length ? before.Nodes : Placement.Choose(state, task);
            tasks[task.Alias] = new TaskRound
            {
                Task = task,
                // What was running is started again after the roll call, for those who do not report it.
                Phase = before.Phase == TaskPhase.Running ? TaskPhase.Pending : before.Phase,
                Placed = before.Phase == TaskPhase.Pending ? CoordinatorState.Ordered<Attempt>() : nodes.Aggregate(
                    CoordinatorState.Ordered<Attempt>(), (placed, node) => placed.Add(node, new Attempt { Node = node })),
                LeftOut = before.Phase == TaskPhase.Committed
                    ? before.Troubles.Aggregate(CoordinatorState.Ordered<string>(), (left, t) => left.SetItem(t.Node, t.Reason))
                    : CoordinatorState.Ordered<string>(),
            };
        }
        turn.State = turn.State with { Tasks = tasks.ToImmutable() };
        foreach (var node in state.Members.Where(m => m.Value.Online).Select(m => m.Key))
        {
            turn.Do(new CoordinatorAction.CallRoll(node, new RollCall { Run = state.Run.ToString(), Term = state.Term, Swarm = state.Swarm }));
        }
        turn.Dirty = true;
    }

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
            Deadline = turn.Now + turn.State.Definition.Rounds.Deadline,
            LastSent = turn.Now,
            Phase = AttemptPhase.Accepted,
        };
        // Committed long ago: only its results are wanted, as inputs of what follows.
        if (task.Phase == TaskPhase.Committed)
            attempt = attempt with { Phase = AttemptPhase.Completed, Record = update as TaskCompleted };
        turn.Put(task.Task.Alias, attempt);
    }
}
