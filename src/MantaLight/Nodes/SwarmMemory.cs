using System.Buffers;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>What a node knows of one swarm: its definition, its state, and what its owner has asked for and nobody has done yet.</summary>
internal sealed class SwarmMemory(NodeSettings settings, SwarmArchive archive, string swarm, TimeProvider time, LostGlobals lost)
{
    private readonly Authority authority = new();
    private readonly StandingClaim claim = new(time, settings.Coordination.Patience);
    private readonly OwnersWishes wishes = new();
    private SwarmBook? book;
    private DateTimeOffset? connectedSince = time.SteadyNow();

    // Whether a state has come in this life of the connection, or none is known.
    private bool isStateConfirmed = true;

    // What a coordinator of this node has tried, in this life of the connection, to have the broker know.
    private SwarmState? retold;

    /// <summary>The definition as it is now, with the wish to run it again or to go on.</summary>
    public SwarmBook? Book => book is null ? null : book with { RestartAfter = wishes.RestartAfter, ResumeAfter = wishes.ResumeAfter };

    public SwarmState? State { get; private set; }

    /// <summary>A later state than the one that a coordinator has begun with, until one has begun with it.</summary>
    public SwarmState? Later { get; private set; }

    /// <summary>Whether the last committed state counts fewer starts than this node remembers.</summary>
    public bool IsMiscounted { get; private set; }

    /// <summary>A stop, pause or resume of the current run whose effect has not been seen.</summary>
    public OwnersWord? Word => wishes.Word;

    /// <summary>When the definition, or the wish to run it again, came.</summary>
    public DateTimeOffset Since { get; private set; }

    /// <summary>Whether there is something to coordinate, as far as this node can tell.</summary>
    public bool IsWanted => book is not null && (book.Removing
        ? (State is not null && State.Status != RunStatus.Removed && !book.IsClaimAlone) || IsClaimLeft
        : State is null || State.Definition != book.Hash || !State.Status.IsFinal() || State.Status.IsRemoval() || State.Status == RunStatus.Superseded
            || wishes.RestartAfter == State.Start || (wishes.ResumeAfter == State.Start && State.Status.CanGoOn()) || IsMiscounted || IsMissed || IsEndedWithLess || lost.AreHere(State));

    /// <summary>Whether nothing is left to know.</summary>
    public bool IsEmpty => (book is null || IsUntouched) && State is null or { Status: RunStatus.Removed } && !claim.Stands;

    /// <summary>Whether a claim stands that is to be taken away.</summary>
    private bool IsClaimLeft => claim.HasStood && book is null or { Removing: true } && State is null or { Status: RunStatus.Removed };

    /// <summary>Whether a removed definition has left nothing to remove: not even a first state that was on its way.</summary>
    private bool IsUntouched => book is { Removing: true } && time.SteadyNow() - Since >= settings.Coordination.Patience;

    /// <summary>
    /// Whether the broker, asked long enough, has not delivered a definition that nobody has removed, or its state: it has lost it, and whoever
    /// was to put it back may have been lost on the way.
    /// </summary>
    private bool IsMissed => (book is { Confirmed: false } || !isStateConfirmed) && connectedSince is { } since && time.SteadyNow() - since >= settings.Coordination.Patience;

    /// <summary>Whether whoever has ended the run knew less of it than this node: its end is told again, with all that was committed.</summary>
    private bool IsEndedWithLess => isStateConfirmed && Later is { Status: not RunStatus.Superseded } later && !later.Status.IsRemoval() && !ReferenceEquals(later, retold);

    /// <summary>Whether a claim stands, as far as this node hears.</summary>
    public bool HasClaim => claim.Stands;

    public void ClaimSeen(DateTimeOffset? since = null) => claim.Seen(since);

    /// <summary>Hears that the claim was taken away.</summary>
    public void ClaimCleared()
    {
        claim.Cleared();
        if (book is { IsClaimAlone: true })
            book = null;
    }

    /// <summary>Looks whether a claim has been left.</summary>
    public void Tick()
    {
        if (book is null && IsClaimLeft)
            book = SwarmBook.ClaimAlone(State?.Definition);
    }

    public bool Accepts(CoordinatorMessage message) => authority.Accepts(message);

    /// <summary>Takes what an earlier process had kept; the broker's word, where there is one, comes later and counts more.</summary>
    public void Remember(RememberedSwarm remembered)
    {
        if (remembered.State is { } state && Authority.IsTerm(state.Term) && authority.Accepts(state))
            (State, isStateConfirmed) = (state, false);
        if (remembered.Definition is not { } bytes || State is { Status: RunStatus.Removed })
            return;
        var read = SwarmBook.Read(bytes, settings);
        // Another one was published before the removal was through.
        (book, Since) = (read with { Confirmed = false, Removing = State is { Status: RunStatus.Removing } && State.Definition == read.Hash }, time.SteadyNow());
    }

    /// <summary>Takes a definition, or its removal; returns what that means for the run under way.</summary>
    public CoordinatorEvent.RunEnded? DefinitionSeen(ReadOnlySequence<byte> payload, bool retained)
    {
        if (payload.IsEmpty)
        {
            // An absent retained message is never delivered: this is the owner's removal.
            if (retained || book is { Removing: true } || (book is null && State is null or { Status: RunStatus.Removed }))
                return null;
            // The definition may be lost everywhere: what it has left behind is removed all the same.
            book = (book ?? SwarmBook.Lost(State!.Definition)) with { Removing = true };
            claim.Defer();
            wishes.Forget();
            Since = time.SteadyNow();
            if (State is null or { Status: RunStatus.Removed })
                archive.Forget(swarm);
            return new CoordinatorEvent.RunEnded(RunStatus.Removed, "its definition was removed");
        }
        var bytes = payload.ToArray();
        var read = SwarmBook.Read(bytes, settings);
        if (book is { Removing: false } && book.Hash == read.Hash)
        {
            book = book with { Confirmed = true };
            return null;
        }
        var before = book is { IsClaimAlone: true } ? null : book;
        wishes.Forget();
        (book, Since) = (read, time.SteadyNow());
        archive.KeepDefinition(swarm, bytes);
        return before is not null && before.Hash != read.Hash
            ? new CoordinatorEvent.RunEnded(RunStatus.Superseded, "another definition was published", read.Hash)
            : null;
    }

    /// <summary>Takes what a coordinator of this node has found in place of the definition that it had been given; false where that is not it any more.</summary>
    /// <param name="inPlaceOf">The hash of that.</param>
    /// <param name="bytes">The definition; empty for its removal.</param>
    /// <param name="isOnBroker">Whether the broker has it; else a member had kept it, and it is still to be put back.</param>
    public bool DefinitionFound(string inPlaceOf, byte[] bytes, bool isOnBroker)
    {
        if (book is null || book.Hash != inPlaceOf || (book.Removing && bytes.Length == 0))
            return false;
        DefinitionSeen(new ReadOnlySequence<byte>(bytes), retained: bytes.Length > 0);
        if (!isOnBroker)
            book = book with { Confirmed = false };
        return true;
    }

    /// <summary>Takes a state; false where a lower authority sent it.</summary>
    public bool StateSeen(SwarmState seen, bool isRetained = false)
    {
        if (!authority.Accepts(seen))
            return false;
        isStateConfirmed = true;
        claim.Defer();
        if (book is { IsClaimAlone: true })
            book = null;
        // What is retained is what the broker has, whatever this node knows.
        if (!isRetained && IsEcho(seen))
            return true;
        var known = Later ?? State;
        var isNews = known is null || Inheritance.Progress(seen).CompareTo(Inheritance.Progress(known)) >= 0;
        // The removal of a run before the one that is known concerns neither it nor its definition.
        var isOlder = seen.Status.IsRemoval() && !isNews && book is { Removing: false };
        var counting = Inheritance.Counting(seen, [Later, State])!;
        IsMiscounted = counting != seen;
        seen = counting;
        // What is later is kept, and told, until somebody has taken it up.
        Later = (isOlder && !known!.Status.IsRemoval()) || Inheritance.IsBehind(seen, known) ? known : null;
        State = seen;
        wishes.Seen(seen);
        // Who was cut off while the owner removed the definition, whichever it was by then, is told by the tombstone alone.
        var isTold = book is null || book.Removing || (!book.Confirmed && isNews);
        if (seen.Status == RunStatus.Removing && isTold)
            (book, Since) = ((book ?? SwarmBook.Lost(seen.Definition)) with { Removing = true }, time.SteadyNow());
        if (seen.Status == RunStatus.Removed && isTold)
            book = null;
        Archive(seen, isOlder);
        return true;
    }

    /// <summary>Whether it is from before the end of its run: a coordinator of this node tells the end at once, and the broker brings what it had published on the way there later.</summary>
    private bool IsEcho(SwarmState seen) => State is { } ended && ended.Status.IsFinal() && !seen.Status.IsFinal()
        && (seen.Run, seen.Term, seen.From, seen.Incarnation) == (ended.Run, ended.Term, ended.From, ended.Incarnation);

    private void Archive(SwarmState seen, bool isOlder)
    {
        if (seen.Status != RunStatus.Removed)
        {
            if (Later is null)
                archive.KeepState(swarm, seen);
        }
        else if (!isOlder)
        {
            archive.Forget(swarm);
            // Published again before the removal was through.
            if (book is { Removing: false })
                archive.KeepDefinition(swarm, book.Bytes.ToArray());
        }
    }

    /// <summary>Takes a later state, that another member has kept or that this node's coordinator has committed, for the one that begins with it.</summary>
    /// <returns>False where this node knows as much.</returns>
    public bool Adopt(SwarmState kept)
    {
        if ((Later ?? State) is { } known && Inheritance.Order(kept).CompareTo(Inheritance.Order(known)) <= 0)
            return false;
        Later = Inheritance.Counting(kept, [Later, State]);
        archive.KeepState(swarm, Later!);
        return true;
    }

    /// <summary>A coordinator of this node has nothing left to do: the broker has what it should have.</summary>
    public void Concluded(SwarmState? final)
    {
        lost.Tried(final);
        if (final is not null)
            StateSeen(final);
        else if (book is { Removing: true })
            book = null;
        retold = Later;
        // While this node is cut off itself, the broker may be losing it again.
        var isConnected = connectedSince is not null;
        if (book is { Removing: false })
            book = book with { Confirmed = book.Confirmed || isConnected };
        isStateConfirmed = isConnected;
        if (book is null)
            archive.Forget(swarm);
    }

    /// <summary>What was not heard while the connection was down is not known.</summary>
    public void ConnectionChanged(bool connected)
    {
        connectedSince = connected ? time.SteadyNow() : null;
        lost.ConnectionChanged();
        retold = null;
        if (connected)
            return;
        ClaimCleared();
        if (book is not null)
            book = book with { Confirmed = false };
        isStateConfirmed = State is null;
        wishes.ForgetWord();
    }

    public void ControlSeen(SwarmAction action)
    {
        if (State is { } ended && ended.Status.IsFinal() && (book is null || ended.Definition == book.Hash) && action is SwarmAction.Start or SwarmAction.Resume)
        {
            Since = time.SteadyNow();
            wishes.Begin(action, ended);
        }
        else if (action != SwarmAction.Start && IsWanted && book is { Removing: false })
        {
            var runs = State is { } state && state.Definition == book.Hash && !state.Status.IsFinal();
            wishes.Speak(new OwnersWord(action, book.Hash, runs ? State!.Start : (State?.Start ?? 0) + 1));
        }
    }
}
