using System.Collections.Immutable;

namespace MantaLight.Coordination;

/// <summary>What a node is in a swarm's election.</summary>
internal enum ElectionRole
{
    /// <summary>There is nothing to coordinate.</summary>
    Idle,

    /// <summary>Somebody else coordinates, or will, or this node is waiting for its turn.</summary>
    Watching,

    /// <summary>The coordinator connection is being opened.</summary>
    Connecting,

    /// <summary>Waiting on the coordinator connection for the claim that stands.</summary>
    Reading,

    /// <summary>Waiting to read back one's own claim.</summary>
    Claiming,

    /// <summary>The claim stands; waiting for a predecessor's last words to pass.</summary>
    Grace,

    /// <summary>Coordinating.</summary>
    Acting,
}

/// <summary>Who claims which term.</summary>
internal sealed record Claim(long Term, string Node, string Incarnation);

/// <summary>One node's view of one swarm's election.</summary>
internal sealed record ElectionState
{
    public required string Swarm { get; init; }

    public required string Node { get; init; }

    public required string Incarnation { get; init; }

    public required ElectionTiming Timing { get; init; }

    public ElectionRole Role { get; init; }

    public Claim? Known { get; init; }

    public long HighestTerm { get; init; }

    /// <summary>When the known coordinator was last heard of.</summary>
    public DateTimeOffset LastHeard { get; init; }

    /// <summary>When to act next in the present role, where something is due.</summary>
    public DateTimeOffset? Due { get; init; }

    public DateTimeOffset NextBeat { get; init; }

    public long Term { get; init; }

    /// <summary>How often in a row the seat was lost before it could be acted on.</summary>
    public int Tries { get; init; }

    /// <summary>Whether the known coordinator has gone: a claim of a vacant seat.</summary>
    public bool Vacant { get; init; } = true;

    public bool NodeConnected { get; init; } = true;

    public ImmutableSortedSet<string> Candidates { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    public bool Wanted { get; init; }

    /// <summary>Whether a claim of higher authority is known.</summary>
    public bool Outranks(Claim claim) => Known is { } known && (claim.Term, claim.Node).CompareTo((known.Term, known.Node)) < 0;

    /// <summary>The place in the order of succession times the delay for each place.</summary>
    public TimeSpan RankDelay => Rendezvous.Rank(Swarm, Node, Candidates) * Timing.Rank;

    public bool IsOwn(Claim? claim) => claim is not null && claim.Node == Node && claim.Incarnation == Incarnation;
}

/// <summary>What happens to an election.</summary>
internal abstract record ElectionEvent
{
    /// <summary>There is, or is no longer, something to coordinate.</summary>
    public sealed record Wanted(bool Value) : ElectionEvent;

    /// <summary>The eligible, present nodes.</summary>
    public sealed record Candidates(ImmutableSortedSet<string> Nodes) : ElectionEvent;

    /// <summary>A claim on the node connection; released when its holder has said goodbye.</summary>
    public sealed record ClaimSeen(Claim Claim, bool Released = false) : ElectionEvent;

    /// <summary>A term that somebody has acted in, from a committed state: every later one is higher.</summary>
    public sealed record TermSeen(long Term) : ElectionEvent;

    /// <summary>A sign of life.</summary>
    public sealed record BeatSeen(Claim Claim) : ElectionEvent;

    /// <summary>The end of a coordinator.</summary>
    public sealed record LostSeen(string Node, string Incarnation, bool Graceful) : ElectionEvent;

    /// <summary>The node's own connection is there or not.</summary>
    public sealed record NodeConnection(bool Connected) : ElectionEvent;

    /// <summary>The coordinator connection is open and subscribed to the claim.</summary>
    public sealed record Opened : ElectionEvent;

    /// <summary>A claim on the coordinator connection.</summary>
    public sealed record ClaimRead(Claim Claim) : ElectionEvent;

    /// <summary>The term of the state on the coordinator connection: where a swarm has gone, its tombstone has the term, and no claim stands.</summary>
    public sealed record StateRead(long Term) : ElectionEvent;

    /// <summary>The claim was taken away, on the node connection: its swarm has gone.</summary>
    public sealed record ClaimCleared : ElectionEvent;

    /// <summary>The claim was taken away, on the coordinator connection, by somebody else: a predecessor's last word that took its time.</summary>
    public sealed record ClaimGone : ElectionEvent;

    /// <summary>The coordinator connection is gone or could not be opened.</summary>
    public sealed record ConnectionLost : ElectionEvent;

    /// <summary>Time has passed.</summary>
    public sealed record Tick : ElectionEvent;
}

/// <summary>What an election asks its shell to do.</summary>
internal abstract record ElectionAction
{
    public sealed record OpenConnection : ElectionAction;

    public sealed record PublishClaim(long Term) : ElectionAction;

    public sealed record Act(long Term) : ElectionAction;

    public sealed record PublishBeat(long Term) : ElectionAction;

    public sealed record CloseConnection(bool Graceful, long Term) : ElectionAction;
}
