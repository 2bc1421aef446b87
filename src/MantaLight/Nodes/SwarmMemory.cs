using System.Buffers;
using System.Security.Cryptography;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Nodes;

/// <summary>A definition as a node has read it.</summary>
/// <param name="Hash">Of the definition; of the bytes where they are none.</param>
/// <param name="Definition">Null where it could not be read.</param>
/// <param name="Problem">Why it cannot run here.</param>
/// <param name="RestartAfter">The start after which its owner has asked for another.</param>
/// <param name="Removing">Whether its owner has removed it.</param>
/// <param name="Confirmed">Whether the broker has delivered it in this life of the connection.</param>
internal sealed record SwarmBook(string Hash, SwarmDefinition? Definition, string? Problem, int? RestartAfter = null, bool Removing = false, bool Confirmed = true)
{
    /// <summary>The definition is one, but this node's module does not fit it: another node's may.</summary>
    public bool IsLocalProblem => Problem is not null && Definition is not null;
}

/// <summary>What an owner has asked of a run.</summary>
internal sealed record OwnersWord(SwarmAction Action, string Definition, int Start);

/// <summary>What a node knows of one swarm: its definition, its state, and what its owner has asked for and nobody has done yet.</summary>
internal sealed class SwarmMemory(NodeSettings settings, TimeProvider time)
{
    private readonly Authority authority = new();
    private int? restartAfter;
    private SwarmBook? book;

    /// <summary>The definition as it is now, with the wish to run it again.</summary>
    public SwarmBook? Book => book is null ? null : book with { RestartAfter = restartAfter };

    public SwarmState? State { get; private set; }

    /// <summary>A stop, pause or resume of the current run whose effect has not been seen.</summary>
    public OwnersWord? Word { get; private set; }

    /// <summary>When the definition, or the wish to run it again, came.</summary>
    public DateTimeOffset Since { get; private set; }

    /// <summary>Whether there is something to coordinate, as far as this node can tell.</summary>
    public bool IsWanted => book is not null && (book.Removing
        ? State is not null && State.Status != RunStatus.Removed
        : State is null || State.Definition != book.Hash || !State.Status.IsFinal() || State.Status == RunStatus.Removed || restartAfter == State.Start);

    /// <summary>Whether nothing is left to know.</summary>
    public bool IsEmpty => book is null && State is null or { Status: RunStatus.Removed };

    public bool Accepts(CoordinatorMessage message) => authority.Accepts(message);

    /// <summary>Takes a definition, or its removal; returns what that means for the run under way.</summary>
    public CoordinatorEvent.RunEnded? DefinitionSeen(ReadOnlySequence<byte> payload, bool retained)
    {
        if (payload.IsEmpty)
        {
            // An absent retained message is never delivered: this is the owner's removal.
            if (retained || book is not { Removing: false })
                return null;
            book = book with { Removing = true };
            restartAfter = null;
            return new CoordinatorEvent.RunEnded(RunStatus.Removed, "its definition was removed");
        }
        var read = Read(payload);
        if (book is { Removing: false } && book.Hash == read.Hash)
        {
            book = book with { Confirmed = true };
            return null;
        }
        var before = book;
        (book, Word, restartAfter, Since) = (read, null, null, time.SteadyNow());
        return before is not null && before.Hash != read.Hash
            ? new CoordinatorEvent.RunEnded(RunStatus.Superseded, "another definition was published")
            : null;
    }

    /// <summary>Takes a state; false where a lower authority sent it.</summary>
    public bool StateSeen(SwarmState seen)
    {
        if (!authority.Accepts(seen))
            return false;
        State = seen;
        // The wish is fulfilled: it must not be again where another broker counts starts anew.
        if (seen.Start > restartAfter)
            restartAfter = null;
        // Who was cut off while the owner removed the definition is told by the tombstone alone.
        if (seen.Status == RunStatus.Removed && book is not null && (book.Removing || (!book.Confirmed && book.Hash == seen.Definition)))
            book = null;
        if (Word is { } word && (seen.Start > word.Start || (seen.Start == word.Start && IsDone(word, seen))))
            Word = null;
        return true;
    }

    /// <summary>A coordinator of this node has nothing left to do.</summary>
    public void Concluded(SwarmState? final)
    {
        if (final is not null)
            StateSeen(final);
        else if (book is { Removing: true })
            book = null;
    }

    /// <summary>What was not heard while the connection was down is not known.</summary>
    public void ConnectionLost()
    {
        if (book is not null)
            book = book with { Confirmed = false };
        Word = null;
    }

    public void ControlSeen(SwarmAction action)
    {
        if (action == SwarmAction.Start)
        {
            if (State is { } ended && ended.Status.IsFinal())
                (restartAfter, Since) = (ended.Start, time.SteadyNow());
        }
        else if (IsWanted && book is { Removing: false })
        {
            var runs = State is { } state && state.Definition == book.Hash && !state.Status.IsFinal();
            Word = new OwnersWord(action, book.Hash, runs ? State!.Start : (State?.Start ?? 0) + 1);
        }
    }

    private static bool IsDone(OwnersWord word, SwarmState seen) => seen.Definition != word.Definition || seen.Status.IsFinal()
        || (word.Action == SwarmAction.Pause && seen.Status == RunStatus.Paused)
        || (word.Action == SwarmAction.Resume && seen.Status == RunStatus.Running);

    private SwarmBook Read(ReadOnlySequence<byte> payload)
    {
        var bytes = payload.ToArray();
        SwarmDefinition definition;
        try
        {
            definition = SwarmJson.Parse(bytes);
        }
        catch (Exception e)
        {
            // Whatever is wrong with it is told in the state, not only to this node's log.
            return new SwarmBook(Convert.ToHexStringLower(SHA256.HashData(bytes)), null, e.Message);
        }
        return new SwarmBook(SwarmJson.HashOf(definition), definition, ProblemHere(definition));
    }

    // Nodes with other modules must agree on the hash: only the problem is this node's own.
    private string? ProblemHere(SwarmDefinition definition)
    {
        if (!settings.Modules.TryGetValue(definition.Module, out var catalog))
            return null;
        try
        {
            SwarmValidator.Check(definition, catalog);
            return null;
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }
}
