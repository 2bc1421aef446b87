using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>
/// What a coordinator does for a run that needs no coordination: one that has ended or is superseded, one with an invalid
/// definition, a removal.
/// </summary>
/// <param name="context">The seat's.</param>
/// <param name="wire">Its connection.</param>
/// <param name="repair">What puts globals back.</param>
/// <param name="term">Its term.</param>
/// <param name="isLeaving">Whether the node wants the seat to end.</param>
internal sealed class RunConclusion(SeatContext context, CoordinatorWire wire, GlobalRepair repair, long term, Func<bool> isLeaving)
{
    // What can be had is put back in seconds, and who was cut off as well is back in as many; who has the rest may not come for long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // A pause, a read-back, and a transfer.
    private static readonly TimeSpan SecondLook = TimeSpan.FromSeconds(10);

    // A slow line's.
    private const double BytesPerSecond = 1 << 20;

    private const int MaximumNamed = 5;

    private const string Removed = "its definition was removed";

    private readonly Topics topics = context.Settings.Topics;

    /// <summary>Does all that is to do; false where there is a run to coordinate.</summary>
    /// <param name="book">The definition.</param>
    /// <param name="retained">The state to go on from.</param>
    /// <param name="standing">The one that stands on the broker.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<bool> TryAsync(SwarmBook book, SwarmState? retained, SwarmState? standing, CancellationToken cancellationToken)
    {
        if (book.Removing)
        {
            // Of what somebody still runs nothing is removed without its owner's word.
            if (!book.IsClaimAlone || retained is null || retained.Status == RunStatus.Removed)
                await RemoveAsync(book, retained, cancellationToken);
            return true;
        }
        if (retained is not null && retained.Definition == book.Hash && retained.Status.IsFinal() && book.RestartAfter != retained.Start
            && !(book.ResumeAfter == retained.Start && retained.Status.CanGoOn()) && !retained.Status.IsRemoval() && retained.Status != RunStatus.Superseded)
        {
            return true;
        }
        // What somebody who had begun with less runs, although it has ended or a later run has begun, ends before another start begins.
        if (standing is not null && !standing.Status.IsFinal() && retained is not null && (retained.Run != standing.Run || retained.Status.IsFinal()))
        {
            var isEnd = retained.Run == standing.Run && !retained.Status.IsRemoval();
            var ended = isEnd ? retained : standing with { Status = RunStatus.Superseded, Reason = $"run {retained.Run} is known to be later", Waiting = null, Lost = null };
            await wire.CommitAsync(ended with { Term = term }, cancellationToken);
            wire.Inherit(retained);
        }
        if (retained is not null && retained.Definition != book.Hash && !retained.Status.IsFinal())
            await wire.CommitAsync(retained with { Status = RunStatus.Superseded, Reason = "another definition was published", Term = term }, cancellationToken);
        if (book.Problem is not { } problem)
            return false;
        Log.DefinitionRefused(context.Logger, wire.Swarm, problem);
        await wire.CommitAsync(wire.Ended(new RunId(book.Hash, wire.NextStart), RunStatus.Refused, problem, term), cancellationToken);
        return true;
    }

    /// <summary>Puts back what the broker has lost of a run that has ended; its state last, which tells a successor that no more is to be done.</summary>
    public async Task RestoreAsync(SwarmState ended, CancellationToken cancellationToken)
    {
        repair.Check(ended);
        await SettleAsync(ended, Patience, cancellationToken);
        foreach (var entry in ended.Globals)
            await wire.SendAsync(topics.Global(wire.Swarm, entry.Tag), new GlobalValue { Run = ended.Run, Term = term, Global = entry }, retain: true, cancellationToken);
        await wire.CommitAsync(WithLost(ended) with { Term = term }, cancellationToken);
    }

    /// <summary>
    /// Commits the end of a run when its globals are back, if the broker has lost them. Afterwards nobody looks after them, unless a member comes
    /// that has what the state names as lost.
    /// </summary>
    public async Task EndAsync(SwarmState ended, CancellationToken cancellationToken)
    {
        if (OpenOf(ended) is { Length: > 0 } open && wire.Final is { } standing && standing.Run == ended.Run && !standing.Status.IsFinal())
        {
            var waiting = $"waiting for what the broker has lost to be put back before the run ends: {TagsOf(open)}";
            await wire.CommitAsync(standing with { Term = term, Waiting = waiting }, cancellationToken);
        }
        await SettleAsync(ended, SecondLook, cancellationToken);
        await wire.CommitAsync(WithLost(ended), cancellationToken);
    }

    /// <summary>The globals that are not known to stand on the broker.</summary>
    private GlobalEntry[] OpenOf(SwarmState ended) => [.. ended.Globals.Where(g => g.Content.Blob is { } blob && repair.Open.Contains(blob.Sha256))];

    private SwarmState WithLost(SwarmState ended) => OpenOf(ended) is { Length: > 0 } open
        ? ended with
        {
            Lost = [.. open.Select(g => g.Content.Blob!.Sha256).Distinct().Take(SwarmState.MaximumLost)],
            Waiting = $"waiting for a node that has what the broker has lost: {TagsOf(open)}",
        }
        : ended with { Lost = null, Waiting = null };

    private static string TagsOf(GlobalEntry[] globals) =>
        string.Join(", ", globals.Take(MaximumNamed).Select(g => g.Tag)) + (globals.Length > MaximumNamed ? $" and {globals.Length - MaximumNamed} others" : "");

    /// <summary>Waits for what can be had as long as it takes on a slow line, and then for the rest: who has what nobody had may just have come.</summary>
    private async Task SettleAsync(SwarmState ended, TimeSpan forMissing, CancellationToken cancellationToken)
    {
        // What the round had replaced, and nobody reads any more, is not waited for.
        repair.Open.CloseAllBut(ended.Blobs().Select(b => b.Sha256).ToHashSet(StringComparer.Ordinal));
        var size = ended.Globals.Sum(g => g.Content.Blob?.Size ?? 0);
        var sign = wire.Beats(term, last: null, cancellationToken);
        await repair.Open.WaitAsync(Patience + TimeSpan.FromSeconds(size / BytesPerSecond), waitsForMissing: false, sign, isLeaving, cancellationToken);
        await repair.Open.WaitAsync(forMissing, waitsForMissing: true, sign, isLeaving, cancellationToken);
    }

    /// <summary>
    /// Says so first, and then clears what the swarm has on the broker, its own claim last, and leaves the tombstone: whoever comes in between knows
    /// that the definition is not lost, and goes on with what is not finished.
    /// </summary>
    public async Task RemoveAsync(SwarmBook book, SwarmState? retained, CancellationToken cancellationToken)
    {
        if (retained is null || retained.Status == RunStatus.Removed)
        {
            // The broker may have lost the removal alone, and kept what was removed.
            if (retained is not null)
                await wire.SweepAsync(retained.Retiring, retained.Tags, term, cancellationToken);
            // Whoever remembers a run of it must not take a claim that was left for its removal.
            var start = book.IsClaimAlone ? 0 : wire.NextStart;
            await BuryAsync(retained ?? wire.Ended(new RunId(book.Hash, start), RunStatus.Removed, Removed, term), cancellationToken);
            return;
        }
        // It must not put back what is swept.
        await repair.DisposeAsync();
        var removing = retained with
        {
            Term = term, Status = RunStatus.Removing, Reason = Removed, Waiting = null, Lost = null, Tasks = [], Globals = [], Replaced = [], History = [],
            Tags = [.. retained.Tags.Union(book.Definition?.Globals.Keys ?? []).Order(StringComparer.Ordinal)],
            Retiring = [.. retained.Retiring.Concat(retained.Globals.Select(g => g.Content.Blob).OfType<BlobRef>()).DistinctBy(b => b.Sha256)],
        };
        await wire.CommitAsync(removing, cancellationToken);
        await wire.SweepAsync(removing.Retiring, removing.Tags, term, cancellationToken);
        await wire.ClearClaimAsync(cancellationToken);
        await wire.CommitAsync(removing with { Status = RunStatus.Removed, Tags = [], Retiring = [] }, cancellationToken);
    }

    /// <summary>Takes away a claim that nothing else is left of any more: the tombstone has its term first, so that terms go on from it.</summary>
    private async Task BuryAsync(SwarmState tombstone, CancellationToken cancellationToken)
    {
        await wire.CommitAsync(tombstone with { Term = term, Tags = [], Retiring = [] }, cancellationToken);
        await wire.ClearClaimAsync(cancellationToken);
    }
}
