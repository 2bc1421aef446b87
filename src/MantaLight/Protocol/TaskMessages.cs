using System.Collections.Immutable;
using System.Text.Json;

namespace MantaLight.Protocol;

/// <summary>Asks a node for one attempt.</summary>
public sealed record ScheduleAttempt : CoordinatorMessage
{
    /// <summary>The round, 0 for the setup task.</summary>
    public int Round { get; init; }

    /// <summary>The last round that the definition allows.</summary>
    public int MaximumRounds { get; init; }

    /// <summary>The task.</summary>
    public string Alias { get; init; } = "";

    /// <summary>Its type.</summary>
    public string TaskType { get; init; } = "";

    /// <summary>The module with the type.</summary>
    public string Module { get; init; } = "";

    /// <summary>The task's options; absent where it has none.</summary>
    public JsonElement? Options { get; init; }

    /// <summary>The attempt's id, for deduplication.</summary>
    public string Attempt { get; init; } = "";

    /// <summary>The attempt's number on this node in this round, from 1.</summary>
    public int Number { get; init; }

    /// <summary>The seed.</summary>
    public ulong Seed { get; init; }

    /// <summary>Intra-op threads.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>How long it may take, in seconds from its acceptance: clocks need not agree.</summary>
    public double TimeoutSeconds { get; init; }

    /// <summary>Whether it may set globals: only a task on one node may.</summary>
    public bool MaySetGlobals { get; init; }

    /// <summary>The committed globals.</summary>
    public ImmutableArray<GlobalEntry> Globals { get; init; } = [];

    /// <summary>The previous tasks' results, ordered by node id, then by tag.</summary>
    public ImmutableArray<ScheduledInput> Inputs { get; init; } = [];
}

/// <summary>A result of a previous task.</summary>
public sealed record ScheduledInput
{
    /// <summary>Who made it and keeps its blob.</summary>
    public string Node { get; init; } = "";

    /// <summary>The task that made it.</summary>
    public string Alias { get; init; } = "";

    /// <summary>The result.</summary>
    public StagedResult Staged { get; init; } = new();
}

/// <summary>A node's word about one attempt.</summary>
public abstract record TaskUpdate : RunMessage
{
    /// <summary>The round.</summary>
    public int Round { get; init; }

    /// <summary>The task.</summary>
    public string Alias { get; init; } = "";

    /// <summary>The attempt's id.</summary>
    public string Attempt { get; init; } = "";
}

/// <summary>The node has the schedule message and will run it.</summary>
public sealed record TaskAccepted : TaskUpdate;

/// <summary>How far it is.</summary>
public sealed record TaskRunning : TaskUpdate
{
    /// <summary>0 to 1.</summary>
    public double Progress { get; init; }

    /// <summary>The current loss, where there is one.</summary>
    public double? Loss { get; init; }
}

/// <summary>The one record of a finished attempt with all its effects; sent again until a commit is seen.</summary>
public sealed record TaskCompleted : TaskUpdate
{
    /// <summary>Globals to set.</summary>
    public ImmutableArray<StagedGlobal> Globals { get; init; } = [];

    /// <summary>Results of this node.</summary>
    public ImmutableArray<StagedResult> Results { get; init; } = [];

    /// <summary>What comes next, where the task said so.</summary>
    public NextRequest? Next { get; init; }

    /// <summary>How long the task ran.</summary>
    public double Seconds { get; init; }

    /// <summary>Bytes that the node's connection has sent since it started.</summary>
    public long BytesSent { get; init; }

    /// <summary>Bytes that the node's connection has received since it started.</summary>
    public long BytesReceived { get; init; }
}

/// <summary>A task's wish for the swarm.</summary>
public sealed record NextRequest
{
    /// <summary>True to end the swarm, false for another round.</summary>
    public bool Stop { get; init; }

    /// <summary>With <see cref="Stop"/>: whether the goal was reached.</summary>
    public bool Converged { get; init; }

    /// <summary>Why, for the summary.</summary>
    public string? Reason { get; init; }

    /// <summary>The nodes of the next round's first task; absent to let its placement choose.</summary>
    public ImmutableArray<string>? Nodes { get; init; }

    /// <summary>The task to start from; absent for all roots.</summary>
    public string? Alias { get; init; }
}

/// <summary>The attempt ended in an error.</summary>
public sealed record TaskFailed : TaskUpdate
{
    /// <summary>The exception's type.</summary>
    public string Error { get; init; } = "";

    /// <summary>Its message.</summary>
    public string Message { get; init; } = "";

    /// <summary>The task's own stack frames.</summary>
    public ImmutableArray<string> Frames { get; init; } = [];

    /// <summary>Whether another attempt could fare better.</summary>
    public bool Retryable { get; init; } = true;
}

/// <summary>A log record of a task.</summary>
public sealed record TaskLog : RunMessage
{
    /// <summary>The round.</summary>
    public int Round { get; init; }

    /// <summary>The task.</summary>
    public string Alias { get; init; } = "";

    /// <summary>The level.</summary>
    public string Level { get; init; } = "";

    /// <summary>The text.</summary>
    public string Text { get; init; } = "";
}
