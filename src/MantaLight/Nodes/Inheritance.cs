using System.Text;
using MantaLight.Blobs;
using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>What a coordinator begins with: what the broker retains or, where it has lost that, what members have kept.</summary>
/// <param name="Book">The definition.</param>
/// <param name="State">The last committed state; null for the first run.</param>
/// <param name="DefinitionLost">Whether the broker no longer has the definition.</param>
/// <param name="StateLost">Whether the broker no longer has the state, or has an older one or one that counts fewer starts.</param>
internal sealed record Inheritance(SwarmBook Book, SwarmState? State, bool DefinitionLost, bool StateLost)
{
    /// <summary>The state that stands on the broker; null where none does.</summary>
    public SwarmState? Standing { get; private init; }

    /// <summary>
    /// How far a swarm has come. An end is later than its round, unless it came of a definition that may be lost; a later round than
    /// that of an end is one that whoever ended the run did not know, and ends with it. Within a round each commit of a global counts. Nothing of
    /// a start comes after its removal, whatever the round: it leaves nothing.
    /// </summary>
    public static (int Start, int Round, bool HasEnded, long Commits) Progress(SwarmState state) => state.Status.IsRemoval()
        ? (state.Start, int.MaxValue, true, long.MaxValue)
        : (state.Start, state.Round, state.Status.IsFinal() && state.Status != RunStatus.Superseded, CommitsOf(state.Globals));

    /// <summary>How many globals a run has committed: its own first ones included, the same for everybody.</summary>
    public static long CommitsOf(IEnumerable<GlobalEntry> globals) => globals.Sum(g => (long)g.Version);

    /// <summary>The highest start that a state tells of.</summary>
    public static int CountOf(SwarmState? state) => state is null ? 0 : Math.Max(state.Start, state.Counted);

    /// <summary>The state, with the highest start that any of the others tells of.</summary>
    public static SwarmState? Counting(SwarmState? state, IEnumerable<SwarmState?> all) =>
        state is not null && all.Max(CountOf) is var count && count > CountOf(state) ? state with { Counted = count } : state;

    /// <summary>Later commits of a swarm are greater: by its progress, then by the term.</summary>
    public static ((int, int, bool, long) Progress, long Term) Order(SwarmState state) => (Progress(state), state.Term);

    /// <summary>
    /// Whether a state that has been committed is behind one that is known: somebody began with less. A run that was removed does not go on: the
    /// definition, back or published again, is another start.
    /// </summary>
    public static bool IsBehind(SwarmState seen, SwarmState? known) => known is not null && known.Status != RunStatus.Superseded && seen.Definition == known.Definition
        && !seen.Status.IsRemoval() && (!known.Status.IsRemoval() || seen.Start == known.Start) && Progress(seen).CompareTo(Progress(known)) < 0;

    public static async Task<Inheritance> ReadAsync(
        CoordinatorWire wire, DefinitionWatch definitions, SeatContext context, SeatCommand.Act act, SignOfLife sign, CancellationToken cancellationToken)
    {
        // What is known is not taken for lost because it is slow to come.
        var patience = context.Settings.Election.ReadBack * (act.Known is null && act.Book is { Confirmed: true, Removing: false } ? 1 : 4);
        // Nor is what a claim may be of, of which nothing is known.
        var tries = act.Book.IsClaimAlone ? 3 : 1;
        var reading = ReadStateAsync(wire, patience, tries, sign, cancellationToken);
        var book = act.Book;
        var definitionLost = false;
        // It has been listened to meanwhile.
        if (book.IsClaimAlone)
            await reading;
        // Whatever this node has heard: a full queue drops a definition, or its removal, without a word.
        var looking = definitions.FirstAsync(book.Removing ? context.Settings.Election.ReadBack : patience, cancellationToken);
        var retained = await reading;
        if (await looking is { } bytes)
        {
            var read = SwarmBook.Read(bytes, context.Settings);
            var isNews = read.Hash != book.Hash || book.Removing;
            if (isNews)
                context.Post(new NodeEvent.DefinitionFound(wire.Swarm, book.Hash, bytes, IsOnBroker: true));
            book = isNews ? read : book with { Confirmed = true };
        }
        else if (!book.Removing)
        {
            // What was there a moment ago may just be being removed.
            definitionLost = !book.Confirmed || retained?.Status.IsRemoval() == true || (retained is { Status: RunStatus.Superseded } && retained.Definition == book.Hash);
        }
        // A run of the definition that stands is the current one, whatever this node remembers of another definition's: a broker that has
        // lost everything counts starts anew.
        var isCurrent = !definitionLost && retained is { } current && current.Definition == book.Hash && current.Status != RunStatus.Superseded
            && !current.Status.IsRemoval() && act.Known?.Definition != book.Hash;
        SwarmState?[] known = [retained, act.Known];
        var latest = Counting(isCurrent ? retained : Later(retained, act.Known), known);
        var found = new Inheritance(book, latest, definitionLost, StateLost: latest != retained) { Standing = retained };
        // Its owner has removed it while this node was cut off: a definition is lost where it is missing without a tombstone.
        if (retained?.Status.IsRemoval() == true && definitionLost && latest!.Run == retained.Run && latest.Status.IsRemoval())
        {
            context.Post(new NodeEvent.DefinitionFound(wire.Swarm, book.Hash, [], IsOnBroker: true));
            return found with { Book = book with { Removing = true }, DefinitionLost = false, StateLost = false };
        }
        // Where nothing but a claim stands, somebody may remember what it was of, and the broker has lost.
        if (found is { DefinitionLost: false, StateLost: false } && !(book.IsClaimAlone && retained is null))
            return found;
        await sign.GiveAsync();
        found = await RecallAsync(found, isCurrent, wire, context, act, cancellationToken);
        return found with { State = InPlaceOf(retained, found.State) };
    }

    private static async Task<SwarmState?> ReadStateAsync(CoordinatorWire wire, TimeSpan patience, int tries, SignOfLife sign, CancellationToken cancellationToken)
    {
        for (; ; tries--)
        {
            var found = await wire.ReadStateAsync(patience, cancellationToken);
            if (found is not null || tries <= 1)
                return found;
            await sign.GiveAsync();
        }
    }

    /// <summary>The state, with what the one whose place it takes has on the broker: that is to be cleared, and nobody else names it.</summary>
    private static SwarmState? InPlaceOf(SwarmState? standing, SwarmState? latest) => standing is null || latest is null ? latest : latest with
    {
        Tags = [.. latest.Tags.Union(standing.Tags)],
        Retiring =
        [
            .. latest.Retiring.Concat(standing.Retiring).Concat(standing.Globals.Select(g => g.Content.Blob).OfType<BlobRef>())
                .DistinctBy(b => b.Sha256).ExceptBy(latest.Globals.Select(g => g.Content.Blob?.Sha256), b => b.Sha256),
        ],
    };

    /// <summary>Takes the latest that any member has kept.</summary>
    private static async Task<Inheritance> RecallAsync(
        Inheritance found, bool isCurrent, CoordinatorWire wire, SeatContext context, SeatCommand.Act act, CancellationToken cancellationToken)
    {
        var kept = await new Interview(wire, context).HoldAsync(act.Members, cancellationToken);
        foreach (var one in kept.Where(k => !isCurrent || k.State?.Definition == found.Book.Hash))
        {
            var later = Later(found.State, one.State);
            if (later is not null && later != found.State)
                found = found with { State = later, StateLost = true };
        }
        SwarmState?[] all = [found.Standing, act.Known, .. kept.Select(k => k.State)];
        found = EndedByAny(found, all);
        found = found with { State = Counting(found.State, all) };
        if (found is { Book.IsClaimAlone: true, State: { Status: RunStatus.Removed } removed })
            found = found with { State = LeftOf(removed, kept) };
        if (found is { DefinitionLost: true, State: { } gone } && gone.Status.IsRemoval() && act.Known is { } own && own.Run == gone.Run && !own.Status.IsRemoval())
        {
            // It was removed while this node was away, by somebody who has not finished that.
            context.Post(new NodeEvent.DefinitionFound(wire.Swarm, found.Book.Hash, [], IsOnBroker: true));
            return found with { Book = found.Book with { Removing = true }, DefinitionLost = false };
        }
        if (found.Book.IsClaimAlone && Remembered(found, kept, context) is { } remembered)
            return found.With(remembered, wire, context);
        if (found.Book.Removing && PublishedSince(found, kept, act, context) is { } since)
            found = found.With(since, wire, context);
        return found is { DefinitionLost: true, State: { } state } && LatestBook(found.Book, state, kept, act, context) is { } book ? found.With(book, wire, context) : found;
    }

    /// <summary>The same with a definition that members have kept and the broker has not, which the node takes for its own too.</summary>
    private Inheritance With(SwarmBook later, CoordinatorWire wire, SeatContext context)
    {
        context.Post(new NodeEvent.DefinitionFound(wire.Swarm, Book.Hash, later.Bytes.ToArray(), IsOnBroker: false));
        return this with { Book = later, DefinitionLost = true };
    }

    /// <summary>What the owner has published since the removal that this node was to finish, and a later run runs; null where there is none.</summary>
    private static SwarmBook? PublishedSince(Inheritance found, IReadOnlyList<Recollection> kept, SeatCommand.Act act, SeatContext context) =>
        found.State is { } latest && !latest.Status.IsRemoval() && latest.Definition != found.Book.Hash && latest.Start > CountOf(act.Known)
            ? Books(kept, context).Select(b => b.Book).FirstOrDefault(b => b.Hash == latest.Definition)
            : null;

    /// <summary>The definition that members remember of a swarm of which nothing but a claim stands: the latest run's, where there was one that was not removed.</summary>
    private static SwarmBook? Remembered(Inheritance found, IReadOnlyList<Recollection> kept, SeatContext context) => found.State?.Status.IsRemoval() == true
        ? null
        : Books(kept, context)
            // Who knows the latest run and has another definition than its own has the one that was published since.
            .OrderBy(b => b.Run == found.State?.Run && b.Book.Hash != found.State?.Definition ? 0 : b.Book.Hash == found.State?.Definition ? 1 : 2)
            .ThenBy(b => b.Book.Hash, StringComparer.Ordinal).FirstOrDefault().Book;

    private static IEnumerable<(SwarmBook Book, string? Run)> Books(IEnumerable<Recollection> kept, SeatContext context) =>
        kept.Where(k => k.Definition is not null).Select(k => (SwarmBook.Read(Encoding.UTF8.GetBytes(k.Definition!), context.Settings), k.State?.Run));

    /// <summary>
    /// The definition that came after the latest run, where somebody who knows that run has another one; else that run's
    /// own, where this node has another one, which may be older.
    /// </summary>
    private static SwarmBook? LatestBook(SwarmBook own, SwarmState latest, IReadOnlyList<Recollection> kept, SeatCommand.Act act, SeatContext context)
    {
        if (own.Hash != latest.Definition && act.Known?.Run == latest.Run)
            return own;
        var books = Books(kept, context).ToArray();
        return books.FirstOrDefault(b => b.Run == latest.Run && b.Book.Hash != latest.Definition).Book
            ?? books.FirstOrDefault(b => b.Book.Hash == latest.Definition && own.Hash != latest.Definition).Book;
    }

    /// <summary>An end stays one, also where whoever ended the run knew less of it than others: with all that they know was committed.</summary>
    private static Inheritance EndedByAny(Inheritance found, IEnumerable<SwarmState?> all)
    {
        if (found.State is not { } latest || latest.Status.IsFinal())
            return found;
        var end = all.OfType<SwarmState>().Where(s => s.Run == latest.Run && Progress(s).HasEnded && !s.Status.IsRemoval()).MaxBy(Order);
        return end is null ? found : found with { State = latest with { Status = end.Status, Reason = end.Reason, Waiting = null, Replaced = end.Status.CanGoOn() ? latest.Replaced : [] }, StateLost = true };
    }

    /// <summary>A tombstone, with what those who have not heard of the removal know on the broker: it may have lost that word alone.</summary>
    private static SwarmState LeftOf(SwarmState removed, IReadOnlyList<Recollection> kept)
    {
        var states = kept.Select(k => k.State).OfType<SwarmState>().ToArray();
        return removed with
        {
            Tags = [.. states.SelectMany(s => s.Tags).Concat(removed.Tags).Distinct().Order(StringComparer.Ordinal)],
            Retiring = [.. states.SelectMany(s => s.Retiring.Concat(s.Blobs())).Concat(removed.Retiring).DistinctBy(b => b.Sha256).OrderBy(b => b.Sha256, StringComparer.Ordinal)],
        };
    }

    private static SwarmState? Later(SwarmState? one, SwarmState? other) =>
        one is null || (other is not null && Order(other).CompareTo(Order(one)) > 0) ? other : one;
}
