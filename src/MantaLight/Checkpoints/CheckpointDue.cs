using System.Collections.Immutable;
using MantaLight.Protocol;

namespace MantaLight.Checkpoints;

/// <summary>When a committed state is worth a checkpoint.</summary>
internal static class CheckpointDue
{
    /// <summary>The finished round that the state's globals are those of, where it is to be kept; null for any other state.</summary>
    public static int? Round(SwarmState state, int every)
    {
        if (state.History.LastOrDefault() is not { Round: > 0 and var done } || state.Status.IsRemoval() || state.Globals.IsEmpty)
            return null;
        var isOver = state.Status.IsFinal() && state.Round == done;
        // In the next round, but before anything of it was committed.
        if (!(isOver || state.Round == done + 1) || state.Globals.Any(g => g.Round > done))
            return null;
        return isOver || done % every == 0 ? done : null;
    }

    /// <summary>What the round under way has committed already, where it will be kept.</summary>
    public static ImmutableArray<BlobRef> Early(SwarmState state, int every) =>
        state.Status != RunStatus.Running || (state.Round % every != 0 && state.Round < state.MaximumRounds) ? []
        : [.. state.Globals.Where(g => g.Round == state.Round).Select(g => g.Content.Blob).OfType<BlobRef>()];
}
