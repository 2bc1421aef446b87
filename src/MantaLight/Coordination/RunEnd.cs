using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>How a run ends, and what is cleared behind it.</summary>
internal static class RunEnd
{
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
        AttemptFlow.CancelAll(turn, $"the swarm has ended: {reason}");
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

    /// <summary>Has the chunks of replaced globals removed.</summary>
    public static void ClearRetired(Turn turn)
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
}
