using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace MantaLight.Protocol;

/// <summary>What an owner can ask.</summary>
[JsonConverter(typeof(SnakeCaseEnum<SwarmAction>))]
public enum SwarmAction
{
    /// <summary>Run the definition again after it has ended.</summary>
    Start,

    /// <summary>Schedule nothing new until resumed.</summary>
    Pause,

    /// <summary>Go on: a paused run, or one that was stopped or has failed, from its last commit.</summary>
    Resume,

    /// <summary>End the run as stopped.</summary>
    Stop,
}

/// <summary>An owner's request. Only <c>type</c> and <c>action</c> are needed, so that a person can type it.</summary>
public sealed record SwarmControl : ControlMessage
{
    /// <summary>The request.</summary>
    public SwarmAction Action { get; set; }
}

/// <summary>Who coordinates (retained).</summary>
public sealed record CoordinatorClaim : ControlMessage
{
    /// <summary>The term: one more than any before it.</summary>
    public long Term { get; set; }

    /// <summary>Whether its holder has said goodbye, so that a successor need not wait.</summary>
    public bool Released { get; set; }
}

/// <summary>The coordinator lives.</summary>
public sealed record CoordinatorBeat : ControlMessage
{
    /// <summary>The term.</summary>
    public long Term { get; set; }
}

/// <summary>The coordinator has gone: by itself or, as its will, by the broker's word.</summary>
public sealed record CoordinatorLost : ControlMessage
{
    /// <summary>The term; 0 in a will that was left before the term was known.</summary>
    public long Term { get; set; }

    /// <summary>Whether it said goodbye itself.</summary>
    public bool Graceful { get; set; }
}

/// <summary>A run's condition.</summary>
[JsonConverter(typeof(SnakeCaseEnum<RunStatus>))]
public enum RunStatus
{
    /// <summary>Waiting for enough nodes, or running the setup task.</summary>
    Starting,

    /// <summary>Rounds are under way.</summary>
    Running,

    /// <summary>Held by its owner.</summary>
    Paused,

    /// <summary>Ended as it should: converged, or all rounds done.</summary>
    Completed,

    /// <summary>Ended by its owner or by a task without reaching its goal.</summary>
    Stopped,

    /// <summary>Ended because a task could not be done.</summary>
    Failed,

    /// <summary>Never started: the definition cannot run.</summary>
    Refused,

    /// <summary>Ended by another definition.</summary>
    Superseded,

    /// <summary>The definition was removed, and what the swarm has on the broker is being cleared.</summary>
    Removing,

    /// <summary>The definition was removed, and nothing else is left; this is the tombstone.</summary>
    Removed,
}

/// <summary>Sorts of <see cref="RunStatus"/>.</summary>
public static class RunStatuses
{
    /// <summary>Whether the run has ended.</summary>
    public static bool IsFinal(this RunStatus status) => status > RunStatus.Paused;

    /// <summary>Whether the swarm's definition was removed.</summary>
    public static bool IsRemoval(this RunStatus status) => status is RunStatus.Removing or RunStatus.Removed;

    /// <summary>Whether the run has ended without having done all that it was to do, so that its owner can let it go on.</summary>
    public static bool CanGoOn(this RunStatus status) => status is RunStatus.Stopped or RunStatus.Failed;
}

/// <summary>
/// A run as it is committed (retained): what a successor needs to go on and what watchers show. Counts and exceptions
/// instead of lists, so that it stays under 64 KiB however many nodes there are.
/// </summary>
public sealed record SwarmState : CoordinatorMessage
{
    /// <summary>More starts, and more rounds, than there will ever be.</summary>
    private const int MaximumNumber = 1 << 30;

    /// <summary>The most rounds in <see cref="History"/>.</summary>
    public const int MaximumHistory = 60;

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

    /// <summary>
    /// Hashes of globals that a run has ended without: the broker had lost them, and nobody who was there had them. Whoever comes back with one puts it
    /// back; absent where there is none. At most <see cref="MaximumLost"/>.
    /// </summary>
    public ImmutableArray<string>? Lost { get; set; }

    /// <summary>The alias that the round started from; absent for all roots.</summary>
    public string? FromAlias { get; set; }

    /// <summary>The nodes that the last request named for the round's first task.</summary>
    public ImmutableArray<string>? FromNodes { get; set; }

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
        && Tasks.All(t => Identifier.IsValid(t.Alias)) && Globals.All(g => Identifier.IsValid(g.Tag) && g.Content.IsSound())
        && Tags.All(Identifier.IsValid) && Retiring.All(b => b.IsSound()) && Replaced.All(r => r.IsSound())
        && (Lost is not { } lost || (lost.Length <= MaximumLost && lost.All(hash => BlobRef.IsHash(hash) && Globals.Any(g => g.Content.Blob?.Sha256 == hash))));

    /// <summary>The blobs that tasks of the run read, or read again where results are lost: of its globals, and of what the round has replaced.</summary>
    public IEnumerable<BlobRef> Blobs() => Globals.Concat(Replaced.Select(r => r.Before).OfType<GlobalEntry>()).Select(g => g.Content.Blob).OfType<BlobRef>();

    /// <summary>Application bytes of all nodes and coordinators in this run so far: up.</summary>
    public long BytesUp { get; set; }

    /// <summary>Application bytes of all nodes and coordinators in this run so far: down.</summary>
    public long BytesDown { get; set; }
}

/// <summary>A task's condition in a round.</summary>
[JsonConverter(typeof(SnakeCaseEnum<TaskPhase>))]
public enum TaskPhase
{
    /// <summary>Its predecessors are not committed yet.</summary>
    Pending,

    /// <summary>Attempts are out.</summary>
    Running,

    /// <summary>Its effects are in the state.</summary>
    Committed,

    /// <summary>Not part of this round.</summary>
    Skipped,
}

/// <summary>A task in a round.</summary>
public sealed record TaskState
{
    /// <summary>The most entries of each list.</summary>
    public const int MaximumListed = 16;

    /// <summary>The task.</summary>
    public string Alias { get; set; } = "";

    /// <summary>Its condition.</summary>
    public TaskPhase Phase { get; set; }

    /// <summary>On how many nodes it is placed.</summary>
    public int Placed { get; set; }

    /// <summary>How many of them have completed.</summary>
    public int Completed { get; set; }

    /// <summary>The first nodes that it is placed on.</summary>
    public ImmutableArray<string> Nodes { get; set; } = [];

    /// <summary>
    /// A key for each node that it is placed on (once it is committed: that has completed), where <see cref="Nodes"/> has not
    /// all of them: four bytes each, in ascending order, as base64.
    /// </summary>
    public string? NodeKeys { get; set; }

    /// <summary>Who was left out or is in trouble, and why.</summary>
    public ImmutableArray<NodeTrouble> Troubles { get; set; } = [];

    /// <summary>Whether it had been committed before, and only its results are made again.</summary>
    public bool Again { get; set; }

    /// <summary>What it asked for next, where it is committed and did.</summary>
    public NextRequest? Next { get; set; }

    /// <summary>The slowest attempt of each of the last rounds, in seconds, where deadlines follow from them.</summary>
    public ImmutableArray<double> RecentSeconds { get; set; } = [];
}
