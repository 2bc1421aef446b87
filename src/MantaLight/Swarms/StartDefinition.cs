using System.Collections.Immutable;
using System.Text.Json;

namespace MantaLight.Swarms;

/// <summary>Where a run begins when it does not begin at the beginning: behind a round that another run has finished.</summary>
public sealed record StartDefinition
{
    /// <summary>The round that is done; the run's first is the next one, and the setup task does not run.</summary>
    public required int Round { get; init; }

    /// <summary>The task that the first round starts from.</summary>
    /// <value>Null: all roots.</value>
    public string? FromAlias { get; init; }

    /// <summary>The nodes of the first round's first task.</summary>
    /// <value>Null: its placement chooses.</value>
    public ImmutableArray<string>? FromNodes { get; init; }

    /// <summary>How many nodes the first round's first task is to have: a count, or below 1 a part of them.</summary>
    /// <value>Null: as its placement says.</value>
    public double? FromMaximum { get; init; }

    /// <summary>What tasks had committed by then, by tag; it stands over the definition's own globals.</summary>
    public ImmutableSortedDictionary<string, StartGlobal> Globals { get; init; } =
        ImmutableSortedDictionary.Create<string, StartGlobal>(StringComparer.Ordinal);
}

/// <summary>A global that a run starts with: exactly one of the two is there.</summary>
public sealed record StartGlobal
{
    /// <summary>A small JSON value.</summary>
    public JsonElement? Value { get; init; }

    /// <summary>Where anything else is: its chunks are retained on the broker before the definition is published.</summary>
    public StartBlob? Blob { get; init; }
}

/// <summary>Points at retained chunks, as pointers in <c>state</c> do.</summary>
/// <param name="Sha256">The hash of the bytes, 64 lower-case hex digits.</param>
/// <param name="Size">Their number.</param>
/// <param name="ChunkSize">The length of every chunk but the last.</param>
/// <param name="ChunkCount">The number of chunks.</param>
/// <param name="Format"><c>weights</c> or <c>json</c>.</param>
public sealed record StartBlob(string Sha256, long Size, int ChunkSize, int ChunkCount, string Format);
