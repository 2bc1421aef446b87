using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Settles what attempts have kept: whether a record counted is known when its round is over, not before.</summary>
internal sealed class KeptAccounts(AttemptServices node, string swarm)
{
    /// <summary>Takes note of what a state says of an attempt that has completed: until its round is over it may have to be made again, or the round be given up.</summary>
    public void StateSeen(NodeAttempt attempt, SwarmState seen)
    {
        var schedule = attempt.Schedule;
        // Of very many nodes a state is long to read.
        if (attempt.IsAccounted || !node.Kept.Has(swarm, schedule))
            return;
        if (schedule.MaximumStaleness is not null)
        {
            LateSeen(attempt, seen);
            return;
        }
        var committed = schedule.Round == seen.Round ? seen.Tasks.FirstOrDefault(t => t.Alias == schedule.Alias && t.Phase == TaskPhase.Committed) : null;
        attempt.Counts = committed?.Counts(node.Settings.Id) ?? attempt.Counts;
        if (seen.History.FirstOrDefault(h => h.Round == schedule.Round) is { } over)
            Settle(attempt, over.Skipped is null && (attempt.Counts ?? over.LeftOut.All(l => l.Node != node.Settings.Id)));
        else if (committed is not null || schedule.Round < seen.Round)
            node.Kept.Tell(swarm, schedule, attempt.Counts);
    }

    /// <summary>The same of a task without a barrier: its record counts in a later round, or in none, as long as it is in flight, and once it is in a buffer that its round has not given up.</summary>
    private void LateSeen(NodeAttempt attempt, SwarmState seen)
    {
        var schedule = attempt.Schedule;
        if (seen.Run != schedule.Run || seen.Tasks.FirstOrDefault(t => t.Alias == schedule.Alias) is not { } task)
            return;
        if (task.HasCounted(node.Settings.Id, schedule.Round))
        {
            attempt.Counts = true;
            node.Kept.Tell(swarm, schedule, true);
        }
        else if (task.HasInFlight(node.Settings.Id, schedule.Round))
            attempt.Counts = null;
        else if (seen.Round > schedule.Round)
            Settle(attempt, attempt.Counts ?? false);
    }

    /// <summary>Settles an attempt's account, once.</summary>
    public void Settle(NodeAttempt attempt, bool counted)
    {
        if (attempt.IsAccounted)
            return;
        attempt.IsAccounted = true;
        node.Kept.Settle(swarm, attempt.Schedule, counted);
    }

    /// <summary>Settles what no state tells of any more.</summary>
    public void SettlePast(NodeAttempt attempt)
    {
        if (attempt.Outcome is TaskCompleted)
            Settle(attempt, attempt.Counts ?? true);
    }
}
