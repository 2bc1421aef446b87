using System.Collections.Immutable;
using System.Text.Json;

namespace MantaLight.Protocol;

/// <summary>Asks a node for one attempt.</summary>
public sealed record ScheduleAttempt : CoordinatorMessage
{
    private const int MostStaleness = 50;

    /// <summary>The round, 0 for the setup task.</summary>
    public int Round { get; set; }

    /// <summary>The last round that the definition allows.</summary>
    public int MaximumRounds { get; set; }

    /// <summary>The task.</summary>
    public string Alias { get; set; } = "";

    /// <summary>Its type.</summary>
    public string TaskType { get; set; } = "";

    /// <summary>The module with the type.</summary>
    public string Module { get; set; } = "";

    /// <summary>The task's options; absent where it has none.</summary>
    public JsonElement? Options { get; set; }

    /// <summary>The attempt's id, for deduplication.</summary>
    public string Attempt { get; set; } = "";

    /// <summary>The attempt's number on this node in this round, from 1.</summary>
    public int Number { get; set; }

    /// <summary>The seed.</summary>
    public ulong Seed { get; set; }

    /// <summary>Intra-op threads.</summary>
    public int Threads { get; set; } = 1;

    /// <summary>How long it may take, in seconds from its acceptance: clocks need not agree.</summary>
    public double TimeoutSeconds { get; set; }

    /// <summary>Over how many seconds the task's nodes spread their completed records; 0 to send them at once.</summary>
    public double ReportSpreadSeconds { get; set; }

    /// <summary>Whether it may set globals: only a task on one node may.</summary>
    public bool MaySetGlobals { get; set; }

    /// <summary>What the run has taken so far, for a task on one node; else absent.</summary>
    public RunSpent? Spent { get; set; }

    /// <summary>
    /// Who could do the next round's first task, for a task whose options have <c>select</c>: online, with what it needs, and not left out of that round. In node-id order; else absent.
    /// </summary>
    public ImmutableArray<string>? Candidates { get; set; }

    /// <summary>Of a task without a barrier: how many rounds later its record may still count. Absent where it counts in its own round or not at all.</summary>
    public int? MaximumStaleness { get; set; }

    /// <summary>The committed globals.</summary>
    public ImmutableArray<GlobalEntry> Globals { get; set; } = [];

    /// <summary>How weights travel, by tag; those of other tags travel as they are. Absent where all do.</summary>
    public ImmutableArray<TagCodec>? Codecs { get; set; }

    /// <summary>The previous tasks' results, ordered by node id, then by tag.</summary>
    public ImmutableArray<ScheduledInput> Inputs { get; set; } = [];

    /// <summary>Whether its parts agree and are within their bounds, as those of an honest coordinator do.</summary>
    public bool IsSound() =>
        Identifier.IsValid(Alias) && Globals.All(g => g.Content.IsSound()) && Inputs.All(i => Identifier.IsValid(i.Node) && i.Staged.IsSound() && (i.Round is null || (i.Round >= 0 && i.Round <= Round)))
        && (MaximumStaleness is null or (>= 0 and <= MostStaleness))
        && Globals.DistinctBy(g => g.Tag).Count() == Globals.Length && Attempt.Length is > 0 and <= 400
        && Candidates is not { IsDefault: true } && (Candidates is not { } candidates || candidates.All(Identifier.IsValid)) && (Spent is null || Spent.IsSound())
        && Codecs is not { IsDefault: true } && (Codecs is not { } codecs || codecs.All(c => !c.Steps.IsDefault)) && double.IsFinite(TimeoutSeconds) && Threads is >= 1 and <= 256;
}

/// <summary>What a run has taken.</summary>
public sealed record RunSpent
{
    /// <summary>Seconds of its rounds, the one under way included.</summary>
    public double Seconds { get; set; }

    /// <summary>Application bytes of all nodes and coordinators, up and down.</summary>
    public long Bytes { get; set; }

    /// <summary>Seconds of the round under way.</summary>
    public double RoundSeconds { get; set; }

    /// <summary>Bytes of the round under way.</summary>
    public long RoundBytes { get; set; }

    /// <summary>Whether these are amounts.</summary>
    public bool IsSound() => Seconds is >= 0 and <= 1e12 && RoundSeconds is >= 0 and <= 1e12 && Bytes >= 0 && RoundBytes >= 0;
}

/// <summary>How the weights of a tag travel.</summary>
public sealed record TagCodec
{
    /// <summary>The tag of a result or a global.</summary>
    public string Tag { get; set; } = "";

    /// <summary>The steps, such as <c>delta</c>, <c>int8 256</c>, <c>zstd 3</c>.</summary>
    public ImmutableArray<string> Steps { get; set; } = [];
}

/// <summary>A result of a previous task.</summary>
public sealed record ScheduledInput
{
    /// <summary>Who made it and keeps its blob.</summary>
    public string Node { get; set; } = "";

    /// <summary>The task that made it.</summary>
    public string Alias { get; set; } = "";

    /// <summary>The round that its attempt began in, where that was an earlier one: of its globals are the weights that it started from.</summary>
    public int? Round { get; set; }

    /// <summary>The result.</summary>
    public StagedResult Staged { get; set; } = new();
}

/// <summary>A node's word about one attempt.</summary>
public abstract record TaskUpdate : RunMessage
{
    /// <summary>The round.</summary>
    public int Round { get; set; }

    /// <summary>The task.</summary>
    public string Alias { get; set; } = "";

    /// <summary>The attempt's id.</summary>
    public string Attempt { get; set; } = "";

    /// <summary>Bytes that the node's connection has sent since the node started.</summary>
    public long BytesSent { get; set; }

    /// <summary>Bytes that the node's connection has received since the node started.</summary>
    public long BytesReceived { get; set; }
}

/// <summary>The node has the schedule message and will run it.</summary>
public sealed record TaskAccepted : TaskUpdate;

/// <summary>How far it is.</summary>
public sealed record TaskRunning : TaskUpdate
{
    /// <summary>0 to 1.</summary>
    public double Progress { get; set; }

    /// <summary>The current loss, where there is one.</summary>
    public double? Loss { get; set; }
}

/// <summary>The one record of a finished attempt with all its effects; sent again until a commit is seen.</summary>
public sealed record TaskCompleted : TaskUpdate
{
    /// <summary>Globals to set.</summary>
    public ImmutableArray<StagedGlobal> Globals { get; set; } = [];

    /// <summary>Results of this node.</summary>
    public ImmutableArray<StagedResult> Results { get; set; } = [];

    /// <summary>What comes next, where the task said so.</summary>
    public NextRequest? Next { get; set; }

    /// <summary>How long the task ran.</summary>
    public double Seconds { get; set; }

}

/// <summary>A task's wish for the swarm.</summary>
public sealed record NextRequest
{
    /// <summary>True to end the swarm, false for another round.</summary>
    public bool Stop { get; set; }

    /// <summary>With <see cref="Stop"/>: whether the goal was reached.</summary>
    public bool Converged { get; set; }

    /// <summary>Why, for the summary.</summary>
    public string? Reason { get; set; }

    /// <summary>The nodes of the next round's first task; absent to let its placement choose.</summary>
    public ImmutableArray<string>? Nodes { get; set; }

    /// <summary>The task to start from; absent for all roots.</summary>
    public string? Alias { get; set; }

    /// <summary>
    /// How many nodes the first task is to have: a count, or below 1 a part of those that could do it. The named ones come first, in their order; others take the place of those that are away.
    /// Absent: the named ones and nobody else.
    /// </summary>
    public double? Maximum { get; set; }
}

/// <summary>The attempt ended in an error.</summary>
public sealed record TaskFailed : TaskUpdate
{
    /// <summary>The <see cref="Error"/> of an attempt that ends because its node stops: nobody's failure.</summary>
    public const string Stopping = "Stopping";

    /// <summary>The <see cref="Error"/> of an attempt that has run past its deadline.</summary>
    public const string DeadlinePassed = "DeadlinePassed";

    /// <summary>The exception's type.</summary>
    public string Error { get; set; } = "";

    /// <summary>Its message.</summary>
    public string Message { get; set; } = "";

    /// <summary>The task's own stack frames.</summary>
    public ImmutableArray<string> Frames { get; set; } = [];

    /// <summary>Whether another attempt could fare better.</summary>
    public bool Retryable { get; set; } = true;

    /// <summary>Whether it is this node that lacks what the task needs, as a data set or a module's type, so that another may have it.</summary>
    public bool Local { get; set; }

    /// <summary>Results of the tasks before it that nobody served.</summary>
    public ImmutableArray<MissingResult> Missing { get; set; } = [];
}

/// <summary>An attempt that is over had put chunks of a global on the broker that never was committed, as far as its node knows.</summary>
public sealed record TaskAbandoned : TaskUpdate
{
    /// <summary>The global's bytes.</summary>
    public BlobRef Blob { get; set; } = new();
}

/// <summary>A result that could not be fetched.</summary>
public sealed record MissingResult
{
    /// <summary>Who had made it.</summary>
    public string Node { get; set; } = "";

    /// <summary>Its blob's SHA-256, lower-case hex.</summary>
    public string Sha256 { get; set; } = "";
}

/// <summary>A log record of a task.</summary>
public sealed record TaskLog : RunMessage
{
    /// <summary>The round.</summary>
    public int Round { get; set; }

    /// <summary>The task.</summary>
    public string Alias { get; set; } = "";

    /// <summary>The level.</summary>
    public string Level { get; set; } = "";

    /// <summary>The text.</summary>
    public string Text { get; set; } = "";
}
