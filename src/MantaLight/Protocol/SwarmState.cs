using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace MantaLight.Protocol;

/// <summary>
/// A run as it is committed (retained): what a successor needs to go on and what watchers show. Counts and exceptions
/// instead of lists, so that it stays under 64 KiB however many nodes there are.
/// </summary>
public sealed record SwarmState : CoordinatorMessage
{
    /// <summary>More starts, and more rounds, than there will ever be.</summary>
    private const int MaximumNumber = 1 << 30;

    /// <summary>The most rounds in <see cref="History"/>.</summary>
    public const int MaximumHistory = 20;

    /// <summary>How many lost globals are named; of more, the others are found when these are put back.</summary>
    public const int MaximumLost = 16;

    /// <summary>The most nodes in <see cref="LeftOut"/>.</summary>
    public const int MaximumLeftOut = 64;

    /// <summary>The swarm.</summary>
    public string Swarm { get; set; } = "";

    /// <summary>The definition's hash.</summary>
    public string Definition { get; set; } = "";

    /// <summary>The start's number.</summary>
    public int Start { get; set; }

    /// <summary>
    /// The highest start that any member remembers, where that is higher than this run's: a broker that has lost everything counts anew,
    /// and the next run must not have the number, and so the attempts, of one that was.
    /// </summary>
    public int Counted { get; set; }

    /// <summary>The run's condition.</summary>
    public RunStatus Status { get; set; }

    /// <summary>Why it is in that condition.</summary>
    public string? Reason { get; set; }

    /// <summary>What it waits for, where it waits.</summary>
    public string? Waiting { get; set; }

    /// <summary>Whether all nodes were shut down, and too few are back: whoever takes over now waits for them too.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Regrouping { get; set; }

    /// <summary>The round under way or last finished; 0 before the first.</summary>
    public int Round { get; set; }

    /// <summary>The last round that may run.</summary>
    public int MaximumRounds { get; set; }

    /// <summary>How weights travel, by tag; absent where all travel as they are.</summary>
    public ImmutableArray<TagCodec>? Codecs { get; set; }

    /// <summary>
    /// Hashes of globals that a run has ended without: the broker had lost them, and nobody who was there had them. Whoever comes back with one puts it
    /// back; absent where there is none. At most <see cref="MaximumLost"/>.
    /// </summary>
    public ImmutableArray<string>? Lost { get; set; }

    /// <summary>The alias that the round started from; absent for all roots.</summary>
    public string? FromAlias { get; set; }

    /// <summary>The nodes that the last request named for the round's first task.</summary>
    public ImmutableArray<string>? FromNodes { get; set; }

    /// <summary>How many nodes the last request wanted for the round's first task; absent where it did not say.</summary>
    public double? FromMaximum { get; set; }

    /// <summary>The round's tasks in the definition's order.</summary>
    public ImmutableArray<TaskState> Tasks { get; set; } = [];

    /// <summary>The committed globals by tag.</summary>
    public ImmutableArray<GlobalEntry> Globals { get; set; } = [];

    /// <summary>What tasks of the round under way have replaced, in the order of their commits.</summary>
    public ImmutableArray<ReplacedGlobal> Replaced { get; set; } = [];

    /// <summary>The tags that stand under <c>globals/</c>: the committed ones and the definition's own. Whoever removes the swarm may not have the definition.</summary>
    public ImmutableArray<string> Tags { get; set; } = [];

    /// <summary>Nodes that have failed in the rounds before, as long as that matters.</summary>
    public ImmutableArray<NodeAbsence> LeftOut { get; set; } = [];

    /// <summary>Replaced blobs whose chunks are not known to be cleared: that is done when the next round begins.</summary>
    public ImmutableArray<BlobRef> Retiring { get; set; } = [];

    /// <summary>The last finished rounds, oldest first; older ones with less detail where the state would grow too large.</summary>
    public ImmutableArray<RoundSummary> History { get; set; } = [];

    /// <summary>
    /// Whether its ids, numbers and pointers can be what they should be. A state comes from the wire, and files and chunks are
    /// removed because of what it says.
    /// </summary>
    public bool IsSound() => Identifier.IsValid(Swarm) && BlobRef.IsHash(Definition) && Start is >= 0 and < MaximumNumber && Counted is >= 0 and < MaximumNumber && Round is >= 0 and < MaximumNumber
        && Tasks.All(t => t.IsSound()) && Globals.All(g => Identifier.IsValid(g.Tag) && g.Content.IsSound())
        && Tags.All(Identifier.IsValid) && Retiring.All(b => b.IsSound()) && Replaced.All(r => r.IsSound())
        && (Lost is not { } lost || (lost.Length <= MaximumLost && lost.All(hash => BlobRef.IsHash(hash) && Globals.Any(g => g.Content.Blob?.Sha256 == hash))));

    /// <summary>The blobs that tasks of the run read, or read again where results are lost: of its globals, and of what the round has replaced.</summary>
    public IEnumerable<BlobRef> Blobs() => Globals.Concat(Replaced.Select(r => r.Before).OfType<GlobalEntry>()).Select(g => g.Content.Blob).OfType<BlobRef>();

    /// <summary>Application bytes of all nodes and coordinators in this run so far: up.</summary>
    public long BytesUp { get; set; }

    /// <summary>Application bytes of all nodes and coordinators in this run so far: down.</summary>
    public long BytesDown { get; set; }

    /// <summary>Seconds of the rounds that are over.</summary>
    public double Seconds { get; set; }
}
