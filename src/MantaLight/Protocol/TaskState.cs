using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace MantaLight.Protocol;

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

    /// <summary>Whether a node's record counts among those of a committed task; null where the state does not tell.</summary>
    public bool? Counts(string node) => NodeKeys is null
        ? Troubles.Any(t => t.Node == node) ? false : Nodes.Contains(node) ? true : Placed > Nodes.Length ? null : false
        : Protocol.NodeKeys.Read(NodeKeys)?.Contains(Protocol.NodeKeys.Of(node));

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

    /// <summary>Of a task without a barrier that is committed: whose records are in the round's buffer; else absent.</summary>
    public ImmutableArray<AttemptGroup>? Counted { get; set; }

    /// <summary>Of a task without a barrier: attempts whose records count in this round or a later one; else absent.</summary>
    public ImmutableArray<AttemptGroup>? InFlight { get; set; }

    /// <summary>Whether a node's attempt of some round is in the round's buffer.</summary>
    public bool HasCounted(string node, int round) => Counted is { } counted && counted.Any(g => g.Round == round && g.Has(node));

    /// <summary>Whether a node's attempt of some round is still to count.</summary>
    public bool HasInFlight(string node, int round) => InFlight is { } flying && flying.Any(g => g.Round == round && g.Has(node));

    /// <summary>Whether its ids and hashes can be what they should be.</summary>
    public bool IsSound() => Identifier.IsValid(Alias) && IsSound(Counted) && IsSound(InFlight);

    private static bool IsSound(ImmutableArray<AttemptGroup>? groups) => groups is not { } all || (!all.IsDefault && all.All(g => g.IsSound()));

    /// <summary>The slowest attempt of each of the last rounds, in seconds, where deadlines follow from them.</summary>
    public ImmutableArray<double> RecentSeconds { get; set; } = [];
}
