using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Settles what attempts have lost to codecs with error feedback: whether a contribution counted is known when its round is over, not before.</summary>
internal sealed class FeedbackAccounts(AttemptServices node, string swarm)
{
    /// <summary>Takes note of what a state says of an attempt that has completed: until its round is over it may have to be made again, or the round be given up.</summary>
    public void StateSeen(NodeAttempt attempt, SwarmState seen)
    {
        if (attempt.Schedule.Round == seen.Round && seen.Tasks.FirstOrDefault(t => t.Alias == attempt.Schedule.Alias && t.Phase == TaskPhase.Committed) is { } committed)
            attempt.Counts = committed.Counts(node.Settings.Id) ?? attempt.Counts;
        if (seen.History.FirstOrDefault(h => h.Round == attempt.Schedule.Round) is { } over)
            Settle(attempt, over.Skipped is null && (attempt.Counts ?? over.LeftOut.All(l => l.Node != node.Settings.Id)));
    }

    /// <summary>Settles an attempt's account, once.</summary>
    public void Settle(NodeAttempt attempt, bool counted)
    {
        if (attempt.Schedule.Codecs is null || attempt.IsAccounted)
            return;
        attempt.IsAccounted = true;
        node.Residuals.Settle(swarm, attempt.Schedule, counted);
    }
}
