using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace MantaLight.Protocol;

/// <summary>A node's state of being.</summary>
[JsonConverter(typeof(SnakeCaseEnum<NodeStatus>))]
public enum NodeStatus
{
    /// <summary>There, and taking work.</summary>
    Online,

    /// <summary>Said goodbye, or the broker lost it.</summary>
    Offline,
}

/// <summary>What a node is and has (retained on its presence topic; the will is the same with <see cref="NodeStatus.Offline"/>).</summary>
public sealed record Presence : ControlMessage
{
    /// <summary>Whether it is there.</summary>
    public NodeStatus Status { get; set; }

    /// <summary>When this incarnation started, by its own clock; the earlier of two namesakes keeps the id.</summary>
    public DateTimeOffset Started { get; set; }

    /// <summary>Its data sets: names and sizes, no data.</summary>
    public ImmutableArray<PresentDataset> Datasets { get; set; } = [];

    /// <summary>The modules that it has.</summary>
    public ImmutableArray<string> Modules { get; set; } = [];

    /// <summary>The steps of codecs that it knows.</summary>
    public ImmutableArray<string> Codecs { get; set; } = [];

    /// <summary>Tags given by its owner.</summary>
    public ImmutableArray<string> Tags { get; set; } = [];

    /// <summary>What it runs on.</summary>
    public NodeResources Resources { get; set; } = new();

    /// <summary>How many attempts it runs at once.</summary>
    public int Concurrency { get; set; } = 1;

    /// <summary>The id of the <see cref="AreYouThere"/> that it answers; absent where nobody has asked.</summary>
    public string? Answers { get; set; }
}

/// <summary>A data set that a node maps.</summary>
public sealed record PresentDataset
{
    /// <summary>The name.</summary>
    public string Name { get; set; } = "";

    /// <summary>Training samples, where they are known.</summary>
    public long? Train { get; set; }

    /// <summary>Test samples, where they are known.</summary>
    public long? Test { get; set; }

    /// <summary>What is wrong with it, for example that its file is not there.</summary>
    public string? Problem { get; set; }
}

/// <summary>What a node runs on.</summary>
public sealed record NodeResources
{
    /// <summary>Logical processors.</summary>
    public int Cores { get; set; }

    /// <summary>Memory available to the process, in MiB.</summary>
    public long MemoryMib { get; set; }

    /// <summary>Whether it has a GPU that tasks may use.</summary>
    public bool Gpu { get; set; }

    /// <summary>Operating system and runtime.</summary>
    public string Platform { get; set; } = "";
}

/// <summary>Asks whoever holds the node id to publish its presence anew (inbox).</summary>
public sealed record AreYouThere : ControlMessage;

/// <summary>Asks everybody for their presence, to be told on their <c>tasks</c> topics: of very many, the broker's replay may have left some out.</summary>
public sealed record WhoIsThere : ControlMessage
{
    /// <summary>Over how many seconds they spread their answers.</summary>
    public double SpreadSeconds { get; set; }
}

/// <summary>Asks a node to send again what it has of a run (inbox).</summary>
public sealed record RollCall : CoordinatorMessage
{
    /// <summary>The swarm.</summary>
    public string Swarm { get; set; } = "";
}

/// <summary>Asks a node, where the broker has lost a swarm, for its own copy (inbox).</summary>
public sealed record Recall : ControlMessage
{
    /// <summary>The swarm.</summary>
    public string Swarm { get; set; } = "";
}

/// <summary>A node's own copy of a swarm, as the answer to <see cref="Recall"/> (on its <c>tasks</c> topic).</summary>
public sealed record Recollection : ControlMessage
{
    /// <summary>The swarm.</summary>
    public string Swarm { get; set; } = "";

    /// <summary>The definition's text as its owner published it; absent where the node has none.</summary>
    public string? Definition { get; set; }

    /// <summary>The last committed state; absent where the node has none.</summary>
    public SwarmState? State { get; set; }
}

/// <summary>Tells a node to give up an attempt (inbox).</summary>
public sealed record CancelAttempt : CoordinatorMessage
{
    /// <summary>The swarm.</summary>
    public string Swarm { get; set; } = "";

    /// <summary>The attempt's id.</summary>
    public string Attempt { get; set; } = "";

    /// <summary>Why.</summary>
    public string Reason { get; set; } = "";
}

/// <summary>
/// Tells a node of results that a task which it is likely to run will read, so that it pulls them while others are still being made (inbox). Nothing
/// rests on it.
/// </summary>
public sealed record FetchAhead : CoordinatorMessage
{
    /// <summary>The swarm.</summary>
    public string Swarm { get; set; } = "";

    /// <summary>The round.</summary>
    public int Round { get; set; }

    /// <summary>The task that will read them.</summary>
    public string Alias { get; set; } = "";

    /// <summary>The results: weights.</summary>
    public ImmutableArray<ScheduledInput> Inputs { get; set; } = [];

    /// <summary>Whether its parts are such as those of an honest coordinator.</summary>
    public bool IsSound() => Identifier.IsValid(Swarm) && Inputs is { IsDefault: false } && Inputs.All(i => Identifier.IsValid(i.Node) && i.Staged.Content.Blob is { HoldsWeights: true } blob && blob.IsSound());
}

/// <summary>Asks a producer for chunks, at most a window of them at a time (inbox).</summary>
public sealed record BlobRequest : ControlMessage
{
    /// <summary>The most chunks in one request.</summary>
    public const int Window = 16;

    /// <summary>The blob's SHA-256, lower-case hex.</summary>
    public string Hash { get; set; } = "";

    /// <summary>The size of the chunks in bytes, as in the blob's pointer.</summary>
    public int ChunkSize { get; set; }

    /// <summary>The wanted chunks' indexes.</summary>
    public ImmutableArray<int> Chunks { get; set; } = [];

    /// <summary>Whether its parts can be those of a request.</summary>
    internal bool IsSound() => BlobRef.IsHash(Hash) && Identifier.IsValid(From) && ChunkSize is >= 1024 and <= BlobRef.MaximumChunkSize && Chunks.Length <= Window;
}

/// <summary>Tells a consumer that a blob is not to be had here (inbox).</summary>
public sealed record BlobRefusal : ControlMessage
{
    /// <summary>The blob's SHA-256, lower-case hex.</summary>
    public string Hash { get; set; } = "";

    /// <summary>Why.</summary>
    public string Reason { get; set; } = "";
}
