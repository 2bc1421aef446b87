using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.SecureAggregation;
using MantaLight.Weights.Packing;

namespace MantaLight.Swarms;

/// <summary>
/// What a swarm does: a graph of tasks, its globals and its seed. Immutable and validated: made by
/// <c>SwarmJson</c> from JSON or by a <c>Swarm</c> class in C#.
/// </summary>
public sealed record SwarmDefinition
{
    /// <summary>The swarm's id where the topic does not give one: 1 to 64 characters of <c>A-Za-z0-9_-</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The simple name of the assembly with the tasks.</summary>
    public required string Module { get; init; }

    /// <summary>Where all randomness of a run comes from.</summary>
    /// <value>0.</value>
    public ulong Seed { get; init; }

    /// <summary>Intra-op threads of each attempt's numeric library; part of what makes a run repeat bit for bit.</summary>
    /// <value>1.</value>
    public int Threads { get; init; } = 1;

    /// <summary>The first values of globals, by tag, as JSON.</summary>
    public ImmutableSortedDictionary<string, JsonElement> Globals { get; init; } =
        ImmutableSortedDictionary.Create<string, JsonElement>(StringComparer.Ordinal);

    /// <summary>How weights travel, by the tag of the result or global that they are; those of other tags travel as they are.</summary>
    public ImmutableSortedDictionary<string, PackingPlan> Codecs { get; init; } =
        ImmutableSortedDictionary.Create<string, PackingPlan>(StringComparer.Ordinal);

    /// <summary>How contributions are summed without anybody seeing one; its stages are among the tasks.</summary>
    /// <value>Null: the aggregator sees them.</value>
    public SecureOptions? SecureAggregation { get; init; }

    /// <summary>A task that runs once on one node before round 1; its alias is always <c>setup</c>.</summary>
    public TaskDefinition? Setup { get; init; }

    /// <summary>The vertices of the graph, in the order of the definition.</summary>
    public required ImmutableArray<TaskDefinition> Tasks { get; init; }

    /// <summary>How rounds begin, end and repeat.</summary>
    public RoundsDefinition Rounds { get; init; } = new();

    /// <summary>What another run has left, to go on from.</summary>
    /// <value>Null: the run begins with the setup task or round 1.</value>
    public StartDefinition? Start { get; init; }

    /// <summary>The same without secure aggregation and its stages: the aggregator sees each contribution.</summary>
    public SwarmDefinition InTheOpen() => SecureTasks.Strip(this);

    /// <summary>The task of that alias, the setup task included; null where there is none.</summary>
    public TaskDefinition? Find(string alias) =>
        Setup?.Alias == alias ? Setup : Tasks.FirstOrDefault(t => t.Alias == alias);
}

/// <summary>A vertex of the graph.</summary>
public sealed record TaskDefinition
{
    /// <summary>The alias of the setup task.</summary>
    public const string SetupAlias = "setup";

    /// <summary>Its name in the graph: 1 to 64 characters of <c>A-Za-z0-9_-</c>.</summary>
    public required string Alias { get; init; }

    /// <summary>The <c>SwarmTask</c> subclass, of the module or built in; case and underscores do not matter.</summary>
    public required string Type { get; init; }

    /// <summary>On which of the eligible nodes it runs.</summary>
    /// <value><see cref="PlacementMethod.Any"/>.</value>
    public PlacementMethod Method { get; init; } = PlacementMethod.Any;

    /// <summary>The most nodes, as a count or as a fraction of the eligible ones.</summary>
    /// <value>Null: one for <c>any</c>, no limit for <c>all</c>.</value>
    public TaskMaximum? Maximum { get; init; }

    /// <summary>Whether the nodes of the first round keep it as long as they are present.</summary>
    public bool Fixed { get; init; }

    /// <summary>Only these nodes are eligible; empty for no such limit.</summary>
    public ImmutableArray<string> SpecifiedIds { get; init; } = [];

    /// <summary>These nodes are not eligible.</summary>
    public ImmutableArray<string> ExceptedIds { get; init; } = [];

    /// <summary>An eligible node maps all of these data sets.</summary>
    public ImmutableArray<string> Datasets { get; init; } = [];

    /// <summary>Whether an eligible node needs a GPU.</summary>
    public bool Gpu { get; init; }

    /// <summary>An eligible node has all of these tags.</summary>
    public ImmutableArray<string> Tags { get; init; } = [];

    /// <summary>The aliases whose results this task reads and which must be committed before it starts.</summary>
    public ImmutableArray<string> After { get; init; } = [];

    /// <summary>How it takes part without a barrier.</summary>
    /// <value>Null: a round waits for its nodes.</value>
    public AsynchronousDefinition? Asynchronous { get; init; }

    /// <summary>The task's own options, a JSON object; undefined where it has none.</summary>
    public JsonElement Options { get; init; }
}

/// <summary>On which of the eligible nodes a task runs.</summary>
public enum PlacementMethod
{
    /// <summary>On some, chosen by the coordinator.</summary>
    Any,

    /// <summary>On all of them.</summary>
    All,
}

/// <summary>A limit on the number of nodes.</summary>
/// <param name="Count">A number of nodes, at least 1; 0 where it is a fraction.</param>
/// <param name="Fraction">Above 0, at most 1: a part of the eligible nodes, at least one node; 0 where it is a count.</param>
public readonly record struct TaskMaximum(int Count, double Fraction)
{
    // 0.57 of a hundred is a hair below 57 in binary.
    private const double Rounding = 1e-9;

    /// <summary>The limit for that many eligible nodes; at least 1.</summary>
    public int Of(int eligible) => Count > 0 ? Count : Math.Max(1, (int)Math.Floor((eligible * Fraction) + Rounding));
}
