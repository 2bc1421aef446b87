using System.Collections.Immutable;
using System.Text.Json;

namespace MantaLight.Checkpoints;

/// <summary>What a checkpoint tells beside its weights.</summary>
public sealed record CheckpointInfo
{
    /// <summary>The swarm's id.</summary>
    public required string Swarm { get; init; }

    /// <summary>The name in its definition.</summary>
    public required string Name { get; init; }

    /// <summary>The module in its definition.</summary>
    public required string Module { get; init; }

    /// <summary>The run.</summary>
    public required string Run { get; init; }

    /// <summary>The definition's hash.</summary>
    public required string Definition { get; init; }

    /// <summary>The definition's seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The round that is done.</summary>
    public required int Round { get; init; }

    /// <summary>The task that the next round was asked to start from.</summary>
    /// <value>Null: all roots.</value>
    public string? FromAlias { get; init; }

    /// <summary>The nodes that were named for the next round's first task.</summary>
    /// <value>Null: its placement chooses.</value>
    public ImmutableArray<string>? FromNodes { get; init; }

    /// <summary>How many nodes that request wanted: a count, or below 1 a part of them.</summary>
    /// <value>Null: it did not say.</value>
    public double? FromMaximum { get; init; }

    /// <summary>The globals that are JSON and were set by tasks.</summary>
    public ImmutableSortedDictionary<string, JsonElement> Values { get; init; } =
        ImmutableSortedDictionary.Create<string, JsonElement>(StringComparer.Ordinal);

    /// <summary>The globals that are weights: the SHA-256 of each one's blob, as in the swarm's state.</summary>
    public ImmutableSortedDictionary<string, string> Weights { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
}
