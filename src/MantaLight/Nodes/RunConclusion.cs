using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>
/// What a coordinator does for a run that needs no coordination: one that has ended or is superseded, one with an invalid
/// definition, a removal.
/// </summary>
internal sealed class RunConclusion(SeatContext context, CoordinatorWire wire, GlobalRepair repair, long term)
{
    private static readonly TimeSpan RestorePatience = TimeSpan.FromSeconds(30);

    private readonly Topics topics = context.Settings.Topics;

    /// <summary>Does all that is to do; false where there is a run to coordinate.</summary>
    public async Task<bool> TryAsync(SwarmBook book, SwarmState? retained, CancellationToken cancellationToken)
    {
        if (book.Removing)
        {
            await RemoveAsync(book, retained, cancellationToken);
            return true;
        }
        if (retained is not null && retained.Definition == book.Hash && retained.Status.IsFinal() && book.RestartAfter != retained.Start
            && !(book.ResumeAfter == retained.Start && retained.Status.CanGoOn()) && !retained.Status.IsRemoval() && retained.Status != RunStatus.Superseded)
        {
            return true;
        }
        if (retained is not null && retained.Definition != book.Hash && !retained.Status.IsFinal())
            await wire.CommitAsync(retained with { Status = RunStatus.Superseded, Reason = "another definition was published", Term = term }, cancellationToken);
        if (book.Problem is not { } problem)
            return false;
        Log.DefinitionRefused(context.Logger, wire.Swarm, problem);
        await wire.CommitAsync(wire.Ended(new RunId(book.Hash, wire.NextStart), RunStatus.Refused, problem, term), cancellationToken);
        return true;
    }

    /// <summary>Puts back what the broker has lost of a run that has ended.</summary>
    public async Task RestoreAsync(SwarmState ended, CancellationToken cancellationToken)
    {
        await wire.CommitAsync(ended with { Term = term }, cancellationToken);
        foreach (var entry in ended.Globals)
            await wire.SendAsync(topics.Global(wire.Swarm, entry.Tag), new GlobalValue { Run = ended.Run, Term = term, Global = entry }, retain: true, cancellationToken);
        repair.Check(ended);
        await repair.DrainAsync(RestorePatience);
    }

    /// <summary>
    /// Says so first, and then clears what the swarm has on the broker and leaves the tombstone: whoever comes in between knows that
    /// the definition is not lost, and goes on with what is not finished.
    /// </summary>
    public async Task RemoveAsync(SwarmBook book, SwarmState? retained, CancellationToken cancellationToken)
    {
        if (retained is null)
            return;
        // It must not put back what is swept.
        await repair.DisposeAsync();
        var removing = retained with
        {
            Term = term, Status = RunStatus.Removing, Reason = "its definition was removed", Waiting = null, Tasks = [], Globals = [], History = [],
            Tags = [.. retained.Tags.Union(book.Definition?.Globals.Keys ?? []).Order(StringComparer.Ordinal)],
            Retiring = [.. retained.Retiring.Concat(retained.Globals.Select(g => g.Content.Blob).OfType<BlobRef>()).DistinctBy(b => b.Sha256)],
        };
        await wire.CommitAsync(removing, cancellationToken);
        await wire.SweepAsync(removing.Retiring, removing.Tags, term, cancellationToken);
        await wire.CommitAsync(removing with { Status = RunStatus.Removed, Tags = [], Retiring = [] }, cancellationToken);
    }
}
