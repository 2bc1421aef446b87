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

    /// <summary>The slowest attempt of each of the last rounds, in seconds, where deadlines follow from them.</summary>
    public ImmutableArray<double> RecentSeconds { get; set; } = [];
}
