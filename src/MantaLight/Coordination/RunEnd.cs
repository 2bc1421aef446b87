using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>How a run ends, and what is cleared behind it.</summary>
internal static class RunEnd
{
    /// <summary>The state lists them all, and is small.</summary>
    private const int MaximumRetiring = 64;

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
        // Whoever goes on with a run that has not done all begins within the round.
        var isWithin = status.CanGoOn() && turn.State.Tasks.Values.Any(t => t.Phase is TaskPhase.Pending or TaskPhase.Running);
        turn.State = turn.State with { Status = status, Reason = reason, Waiting = null, Replaced = isWithin ? turn.State.Replaced : [] };
        ClearRetired(turn);
        turn.Dirty = true;
        turn.Do(new CoordinatorAction.Leave());
    }

    private static void Remove(Turn turn, string reason)
    {
        // The tombstone is published when all else is gone: a successor finds what this coordinator could not finish.
        turn.State = turn.State with { Status = RunStatus.Removed, Reason = reason, Waiting = null, RollCallUntil = null, HasNews = false };
        turn.Dirty = false;
        turn.Do(new CoordinatorAction.Remove());
        turn.Do(new CoordinatorAction.Leave());
    }

    /// <summary>Has the chunks of replaced globals removed; they stay on the list until that is done.</summary>
    public static void ClearRetired(Turn turn)
    {
        foreach (var old in turn.State.Retiring.DistinctBy(b => b.Sha256).Where(b => !turn.State.Clearing.Contains(b.Sha256)))
        {
            // What the definition starts with is kept, so that it can be started again; and what the round may read again.
            if (StartPoint.Has(turn.State.Definition, old) || turn.State.Replaced.Any(r => r.Before?.Content.Blob?.Sha256 == old.Sha256))
                continue;
            // What attempts of earlier rounds began with, whoever has not fetched it yet.
            if (!turn.State.Status.IsFinal() && turn.State.ReadIn.Values.Any(hashes => hashes.Contains(old.Sha256)))
                continue;
            if (IsCommitted(turn.State, old))
            {
                Cleared(turn, old);
                continue;
            }
            turn.State = turn.State with { Clearing = turn.State.Clearing.Add(old.Sha256) };
            turn.Do(new CoordinatorAction.ClearBlob(old));
        }
    }

    /// <summary>Takes chunks over that a node has put on the broker for a global that was not committed, or has been replaced since.</summary>
    public static void Retire(Turn turn, BlobRef blob)
    {
        var state = turn.State;
        if (state.Status.IsFinal() || !blob.IsSound() || IsCommitted(state, blob) || StartPoint.Has(state.Definition, blob))
            return;
        if (state.Clearing.Contains(blob.Sha256))
        {
            // They may have come behind what is being cleared.
            turn.Do(new CoordinatorAction.ClearBlob(blob));
            return;
        }
        // Beyond the bound its node says so again, when there may be room.
        if (state.Retiring.Length >= MaximumRetiring || state.Retiring.Any(b => b.Sha256 == blob.Sha256))
            return;
        turn.State = state with { Retiring = state.Retiring.Add(blob) };
        turn.Dirty = true;
    }

    /// <summary>A replaced global's chunks are gone, or are those of a committed one again.</summary>
    public static void Cleared(Turn turn, BlobRef blob) => turn.State = turn.State with
    {
        Retiring = turn.State.Retiring.RemoveAll(b => b.Sha256 == blob.Sha256), Clearing = turn.State.Clearing.Remove(blob.Sha256),
    };

    // Two tags, or two versions, can have the same bytes and so the same chunks.
    private static bool IsCommitted(CoordinatorState state, BlobRef blob) =>
        state.Globals.Values.Any(g => g.Content.Blob?.Sha256 == blob.Sha256);
}
