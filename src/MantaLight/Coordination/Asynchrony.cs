using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>
/// Tasks without a barrier. A round is a version of the model and one buffer: the task's part of it is over when so many records have come, whichever rounds their attempts began in. An attempt that is
/// under way then is carried into the next round as it is. It is known by node and the round in which it began, and what is sent anew begins anew, in the round under way: so a record counts in one round, or in none.
/// </summary>
internal static class Asynchrony
{
    /// <summary>How many records fill the buffer.</summary>
    public static int BufferOf(TaskRound task) => Math.Min(task.Task.Asynchronous?.Buffer ?? int.MaxValue, task.Total);

    /// <summary>Whether the task need not wait for more. Whoever was idle has its order before: the buffer may be full from the beginning.</summary>
    public static bool IsFull(TaskRound task) => task.Task.Asynchronous is not null && task.Counts is { Completed: > 0, Waiting: 0 } && task.Counts.Completed >= BufferOf(task);

    /// <summary>The task as it begins in the round under way: who is at work goes on, and others begin.</summary>
    public static TaskRound Begin(Turn turn, TaskDefinition task, TaskRound? before, bool takesPart)
    {
        var carried = CoordinatorState.Ordered<Attempt>();
        foreach (var attempt in before is null ? [] : UnderWay(before))
        {
            if (IsStale(attempt, task, turn.State.Round))
                Cancel(turn, attempt, Staleness(attempt, task));
            else
                carried = carried.SetItem(attempt.Node, attempt);
        }
        if (!takesPart)
            return TaskRound.Of(task, [], turn.State.Round) with { Phase = TaskPhase.Skipped, Carried = carried };
        var idle = Placement.Choose(turn.State, task, carried.Keys).Except(carried.Keys);
        return carried.Values.Aggregate(TaskRound.Of(task, idle, turn.State.Round), (round, attempt) => round.With(attempt));
    }

    /// <summary>The task as it is committed: with the records of its buffer, those that began first where there are more; the others go on.</summary>
    public static TaskRound Committed(TaskRound task)
    {
        if (task.Task.Asynchronous is null)
            return task;
        var counted = task.Placed.Values.Where(a => a.Phase == AttemptPhase.Completed).OrderBy(a => a.Round).ThenBy(a => a.Node, StringComparer.Ordinal)
            .Take(BufferOf(task)).Select(a => a.Node).ToHashSet(StringComparer.Ordinal);
        foreach (var attempt in task.Placed.Values.Where(a => a.Phase != AttemptPhase.Failed && !counted.Contains(a.Node)))
            task = task.Without(attempt.Node) with { Carried = task.Carried.SetItem(attempt.Node, attempt) };
        return task;
    }

    /// <summary>The task of a round that is given up: what its buffer had goes on, and counts in another round. But not where something has been made of it that stays.</summary>
    public static TaskRound Reopened(CoordinatorState state, TaskRound task) => task.Phase == TaskPhase.Committed && IsUsed(state, task.Task)
        ? task
        : task.Carried.Values.Aggregate(task, (open, attempt) => open.With(attempt)) with { Phase = TaskPhase.Pending, Carried = CoordinatorState.Ordered<Attempt>() };

    /// <summary>Whether a task that reads its results is committed, or was: its globals stand, also where its results are made again.</summary>
    public static bool IsUsed(CoordinatorState state, TaskDefinition task) =>
        state.Definition.Tasks.Any(t => t.After.Contains(task.Alias) && state.Tasks.GetValueOrDefault(t.Alias) is { } next && (next.Phase == TaskPhase.Committed || next.Again));

    /// <summary>Leaves a round that another start had ended within, where records of it that are not to be had cannot be made again: the next one begins with what stands.</summary>
    public static void Leave(Turn turn)
    {
        var state = turn.State;
        if (state.Round == 0 || state.History.LastOrDefault()?.Round == state.Round || state.Tasks.Values.All(t => t.Task.Asynchronous is null)
            || state.Tasks.Values.All(t => t.Phase is TaskPhase.Committed or TaskPhase.Skipped))
        {
            return;
        }
        RoundFlow.Close(turn, RoundSummaries.OfSkipped(state, "the run had ended within it", turn.Now));
        foreach (var task in turn.State.Tasks.Values)
            turn.Put(TaskRound.Of(task.Task, [], state.Round) with { Phase = TaskPhase.Skipped, Recent = task.Recent });
    }

    /// <summary>A node's word about an attempt of a task without a barrier that is committed, or no part of the round: what goes on counts later.</summary>
    public static void CarriedSeen(Turn turn, TaskRound task, TaskUpdate update)
    {
        if (!task.Carried.TryGetValue(update.From, out var attempt) || attempt.Round != update.Round || attempt.Phase == AttemptPhase.Completed)
            return;
        var number = AttemptId.NumberOf(update.Attempt);
        if (attempt.Id != update.Attempt && (number <= attempt.Number || update.Attempt != AttemptId.Of(turn.State.Run, update.Round, update.Alias, update.From, number)))
            return;
        attempt = attempt with { Id = update.Attempt, Number = number, Incarnation = update.Incarnation };
        var next = update switch
        {
            TaskCompleted record => RecordCheck.ProblemOf(record, maySetGlobals: false) is { } problem
                ? attempt with { Phase = AttemptPhase.Failed, Trouble = $"its record was refused: {problem}" }
                : attempt with { Phase = AttemptPhase.Completed, Record = record, Trouble = null },
            // As good as killed: begun anew when it is back.
            TaskFailed { Error: TaskFailed.Stopping } => attempt,
            TaskFailed failed => attempt with { Phase = AttemptPhase.Failed, Trouble = $"{failed.Error}: {failed.Message}" },
            TaskRunning running => attempt with { Phase = AttemptPhase.Accepted, Progress = double.IsFinite(running.Progress) ? Math.Clamp(running.Progress, 0, 1) : null },
            _ => attempt with { Phase = AttemptPhase.Accepted },
        };
        turn.Put(task with { Carried = task.Carried.SetItem(next.Node, next) });
    }

    /// <summary>Does without records of a committed task that are not to be had: they cannot be made again, since their globals have been replaced.</summary>
    /// <param name="turn">The step.</param>
    /// <param name="task">The task.</param>
    /// <param name="nodes">Whose they are.</param>
    /// <param name="reason">Why.</param>
    public static void Forgo(Turn turn, TaskRound task, IEnumerable<string> nodes, string reason)
    {
        foreach (var node in nodes)
            task = task.With(task.Placed[node] with { Phase = AttemptPhase.Failed, Record = null, Trouble = reason });
        turn.Put(task);
        turn.Dirty = true;
        if (task.Counts.Completed == 0)
            Shortfall.Skip(turn, $"task '{task.Task.Alias}': none of the records in its buffer is to be had");
    }

    /// <summary>Whose attempts end with the round, since the next one would be too late for them, or have failed after it was over; and why.</summary>
    public static IEnumerable<NodeTrouble> LeftOut(CoordinatorState state) =>
        from task in state.Tasks.Values
        where task.Task.Asynchronous is not null
        from attempt in UnderWay(task, alsoFailed: true)
        let isStale = attempt.Phase != AttemptPhase.Failed && IsStale(attempt, task.Task, state.Round + 1)
        where isStale || (attempt.Phase == AttemptPhase.Failed && task.Carried.ContainsKey(attempt.Node))
        select new NodeTrouble { Node = attempt.Node, Reason = $"{task.Task.Alias}: {(isStale ? Staleness(attempt, task.Task) : attempt.Trouble)}" };

    /// <summary>The globals that attempts may read that began in a round, beside those of the round under way.</summary>
    public static ImmutableSortedDictionary<int, ImmutableArray<string>> ReadIn(CoordinatorState state)
    {
        if (state.Definition.Tasks.All(t => t.Asynchronous is null))
            return state.ReadIn;
        var rounds = state.Tasks.Values.Where(t => t.Task.Asynchronous is not null).SelectMany(t => UnderWay(t)).Select(a => a.Round).ToHashSet();
        var read = state.ReadIn.RemoveRange(state.ReadIn.Keys.Where(round => !rounds.Contains(round)));
        return read.SetItem(state.Round, [.. state.EffectiveGlobals().Select(g => g.Content.Blob?.Sha256).OfType<string>().Distinct()]);
    }

    /// <summary>Attempts that may count yet: all that are at work or have completed, but those that the round's buffer has.</summary>
    private static IEnumerable<Attempt> UnderWay(TaskRound task, bool alsoFailed = false) => (task.Phase is TaskPhase.Pending or TaskPhase.Running ? task.Placed.Values.Concat(task.Carried.Values) : task.Carried.Values)
        .Where(a => a.Phase is AttemptPhase.Scheduled or AttemptPhase.Accepted or AttemptPhase.Completed || (alsoFailed && a.Phase == AttemptPhase.Failed));

    private static bool IsStale(Attempt attempt, TaskDefinition task, int round) => round - attempt.Round > task.Asynchronous!.MaximumStaleness;

    private static string Staleness(Attempt attempt, TaskDefinition task) => $"it began in round {attempt.Round}, and would count more than {task.Asynchronous!.MaximumStaleness} rounds later";

    private static void Cancel(Turn turn, Attempt attempt, string reason)
    {
        if (attempt.Phase is AttemptPhase.Scheduled or AttemptPhase.Accepted)
            AttemptFlow.Cancel(turn, attempt, reason);
    }
}
