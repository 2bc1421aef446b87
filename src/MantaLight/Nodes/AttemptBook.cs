using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>An attempt on this node: under way, or ended with its record.</summary>
internal sealed class NodeAttempt(ScheduleAttempt schedule, AttemptRunner runner) : IDisposable
{
    private readonly CancellationTokenSource cancel = new();

    public ScheduleAttempt Schedule { get; set; } = schedule;

    public AttemptRunner Runner { get; } = runner;

    public Task Running { get; set; } = Task.CompletedTask;

    /// <summary>The record or the error; null while it runs.</summary>
    public TaskUpdate? Outcome { get; set; }

    public DateTimeOffset LastSent { get; set; }

    public string? CancelReason { get; private set; }

    public CancellationToken Cancelled => cancel.Token;

    public void Cancel(string reason)
    {
        if (Outcome is not null)
            return;
        CancelReason ??= reason;
        cancel.Cancel();
    }

    public void Dispose() => cancel.Dispose();
}

/// <summary>A swarm's attempts on this node, one for each task of a round; forgotten when the round after it is under way.</summary>
internal sealed class AttemptBook
{
    private readonly Dictionary<(string Run, int Round, string Alias), NodeAttempt> attempts = [];

    public IReadOnlyCollection<NodeAttempt> All => attempts.Values;

    public NodeAttempt? Find(ScheduleAttempt schedule) => attempts.GetValueOrDefault(KeyOf(schedule));

    public NodeAttempt? Find(string attempt) => attempts.Values.FirstOrDefault(a => a.Schedule.Attempt == attempt);

    public void Put(NodeAttempt attempt) => attempts[KeyOf(attempt.Schedule)] = attempt;

    /// <summary>Takes out what is no longer needed.</summary>
    public IReadOnlyList<NodeAttempt> Take(Func<NodeAttempt, bool> which)
    {
        var taken = attempts.Where(a => which(a.Value)).ToArray();
        foreach (var (key, _) in taken)
            attempts.Remove(key);
        return [.. taken.Select(t => t.Value)];
    }

    private static (string, int, string) KeyOf(ScheduleAttempt schedule) => (schedule.Run, schedule.Round, schedule.Alias);
}
