using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>How long a task may take on a node: what the definition says, or less where the last rounds were much faster.</summary>
internal static class Deadlines
{
    private const int Rounds = 3;

    public static TimeSpan Of(CoordinatorState state, TaskRound task)
    {
        var most = state.Definition.Rounds.Deadline;
        if (state.Definition.Rounds.AdaptiveDeadline is not { } adaptive || task.Recent.IsEmpty)
            return most;
        // Whole seconds, for people.
        var seconds = Math.Ceiling(task.Recent.Max().TotalSeconds * adaptive.Factor);
        return seconds >= most.TotalSeconds ? most : TimeSpan.FromSeconds(Math.Max(seconds, adaptive.Floor.TotalSeconds));
    }

    /// <summary>How long an attempt may take: the whole time where it was late before.</summary>
    public static TimeSpan Of(CoordinatorState state, TaskRound task, Attempt attempt) => attempt.IsLate ? state.Definition.Rounds.Deadline : task.Deadline;

    /// <summary>Remembers how long an attempt took.</summary>
    public static void Note(Turn turn, string alias, Attempt attempt, TaskCompleted record)
    {
        var rounds = turn.State.Definition.Rounds;
        if (rounds.AdaptiveDeadline is null)
            return;
        var seconds = Math.Max(record.Seconds, attempt.Began is { } began ? (turn.Now - began).TotalSeconds : 0);
        var took = TimeSpan.FromSeconds(Math.Min(seconds, rounds.Deadline.TotalSeconds));
        if (took > turn.Task(alias).Slowest)
            turn.Put(turn.Task(alias) with { Slowest = took });
    }

    /// <summary>The task as it is committed, its slowest attempt among those of the last rounds.</summary>
    public static TaskRound Committed(TaskRound task) => task.Slowest > TimeSpan.Zero
        ? task with { Recent = [.. task.Recent.Add(task.Slowest).TakeLast(Rounds)], Slowest = TimeSpan.Zero }
        : task;

    /// <summary>What a predecessor had remembered.</summary>
    public static IEnumerable<TimeSpan> Read(TaskState task) =>
        task.RecentSeconds.TakeLast(Rounds).Where(s => s is > 0 and < 1e6).Select(TimeSpan.FromSeconds);
}
