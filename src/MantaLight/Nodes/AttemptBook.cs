using MantaLight.Concurrency;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>An attempt on this node: under way, or ended with its record.</summary>
internal sealed class NodeAttempt(ScheduleAttempt schedule, AttemptRunner runner) : IDisposable
{
    private readonly CancellationTokenSource cancel = new();
    private Task cancelling = Task.CompletedTask;

    public ScheduleAttempt Schedule { get; set; } = schedule;

    public AttemptRunner Runner { get; } = runner;

    /// <summary>How it ends; null before it begins.</summary>
    public Task<TaskUpdate>? Running { get; set; }

    /// <summary>The record or the error; null while it runs.</summary>
    public TaskUpdate? Outcome { get; set; }

    /// <summary>Whether chunks of its globals may not be on the broker: an earlier process had made them, or the broker lost them.</summary>
    public bool IsUnpublished { get; set; }

    /// <summary>Whether an earlier process of this node had completed it.</summary>
    public bool IsRestored { get; init; }

    /// <summary>Whether its task was committed with it, as far as a state has told.</summary>
    public bool? Counts { get; set; }

    /// <summary>Of a task without a barrier: the first round in which nobody waited for it any more, as far as a state has told.</summary>
    public int? LetGo { get; set; }

    /// <summary>Whether what it has kept is accounted for.</summary>
    public bool IsAccounted { get; set; }

    /// <summary>Whether another run has come after its own, as far as this node has seen.</summary>
    public bool IsOver { get; set; }

    /// <summary>Whether it has completed and nobody has been told of it.</summary>
    public bool IsUnheard { get; set; }

    public DateTimeOffset LastSent { get; set; }

    public string? CancelReason { get; private set; }

    public CancellationToken Cancelled => cancel.Token;

    /// <summary>Asks it to end. What the task has registered for that runs elsewhere; its faults are in the result.</summary>
    public Task CancelAsync(string reason)
    {
        if (Outcome is null && CancelReason is null)
        {
            CancelReason = reason;
            cancelling = cancel.CancelBesideAsync();
        }
        return cancelling;
    }

    public void Dispose()
    {
        // A callback that still runs uses it; then it is the garbage collector's.
        if (cancelling.IsCompleted)
            cancel.Dispose();
    }
}

/// <summary>
/// A swarm's attempts on this node: one for each task of a round, and those whose place a later one took. Forgotten when
/// the round after theirs is under way.
/// </summary>
internal sealed class AttemptBook
{
    private readonly Dictionary<(string Run, int Round, string Alias), NodeAttempt> current = [];
    private readonly List<NodeAttempt> replaced = [];

    public IReadOnlyCollection<NodeAttempt> Current => current.Values;

    public IReadOnlyCollection<NodeAttempt> All => [.. current.Values, .. replaced];

    public NodeAttempt? Find(ScheduleAttempt schedule) => current.GetValueOrDefault(KeyOf(schedule));

    public NodeAttempt? Find(string attempt) => All.FirstOrDefault(a => a.Schedule.Attempt == attempt);

    /// <summary>The run that the node follows; null for none yet.</summary>
    public string? Run { get; set; }

    /// <summary>
    /// Notes which runs are over. One process may coordinate two with the same authority, where the broker has lost everything in between: only who has seen
    /// the one follow the other, or was another process at the time of the first, knows that it is the older.
    /// </summary>
    public void Follow(SwarmState seen, bool isRetained)
    {
        // A broker may have come back with what it retained long ago.
        var isCurrent = !isRetained || (seen.Status.IsFinal() && seen.Status != RunStatus.Superseded);
        foreach (var attempt in All.Where(a => a.Schedule.Run != seen.Run))
        {
            var isKnown = attempt.Schedule.Run == Run;
            // Of a higher authority than has been seen here since this process began: a coordinator of it may come back.
            var isOlder = attempt.IsRestored && Authority.Compare(attempt.Schedule, seen.Term, seen.From) <= 0;
            attempt.IsOver |= isCurrent ? isKnown || isOlder : isOlder && !isKnown;
        }
        if (isCurrent)
            Run = seen.Run;
    }

    public void Put(NodeAttempt attempt)
    {
        if (Find(attempt.Schedule) is { } before)
            replaced.Add(before);
        current[KeyOf(attempt.Schedule)] = attempt;
    }

    /// <summary>Takes out what is no longer needed.</summary>
    public IReadOnlyList<NodeAttempt> Take(Func<NodeAttempt, bool> which)
    {
        var taken = All.Where(which).ToArray();
        foreach (var attempt in taken)
        {
            if (!replaced.Remove(attempt))
                current.Remove(KeyOf(attempt.Schedule));
        }
        return taken;
    }

    private static (string, int, string) KeyOf(ScheduleAttempt schedule) => (schedule.Run, schedule.Round, schedule.Alias);
}
