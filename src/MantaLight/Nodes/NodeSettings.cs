using System.Collections.Immutable;
using MantaLight.Attacks;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Tasks;

namespace MantaLight.Nodes;

/// <summary>What a node is.</summary>
public sealed record NodeSettings
{
    /// <summary>The id: <c>[A-Za-z0-9_-]{1,64}</c>, one process at a time.</summary>
    public required string Id { get; init; }

    /// <summary>The cluster.</summary>
    /// <value><c>local</c>.</value>
    public string Cluster { get; init; } = "local";

    /// <summary>The data.</summary>
    public required IDatasetProvider Datasets { get; init; }

    /// <summary>The modules by name.</summary>
    public required ImmutableSortedDictionary<string, TaskCatalog> Modules { get; init; }

    /// <summary>Where staged blobs lie until their round is over.</summary>
    public required string StateFolder { get; init; }

    /// <summary>How many attempts run at once; at least 1.</summary>
    /// <value>2.</value>
    public int Concurrency { get; init; } = 2;

    /// <summary>Tags that placement can ask for.</summary>
    public ImmutableArray<string> Tags { get; init; } = [];

    /// <summary>Whether tasks may use a GPU here.</summary>
    public bool Gpu { get; init; }

    /// <summary>The waits of elections.</summary>
    public ElectionTiming Election { get; init; } = new();

    /// <summary>The waits of coordinators.</summary>
    public CoordinatorTiming Coordination { get; init; } = new();

    /// <summary>How long an owner of the id is given to answer before a new process takes it.</summary>
    /// <value>5 seconds.</value>
    public TimeSpan NamesakePatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Awaited before an attempt begins, with its round and the task's alias: trials under faults hold a round with it until
    /// its faults have happened. Results do not depend on it.
    /// </summary>
    /// <value>Null: no wait.</value>
    public Func<int, string, CancellationToken, Task>? BeforeAttempt { get; init; }

    /// <summary>What this node sends in place of the weights that its tasks add as results: for trials of how much an aggregation endures.</summary>
    /// <value>Null: it is honest.</value>
    public ContributionAttack? Attack { get; init; }

    /// <summary>How often the node looks at the clock.</summary>
    /// <value>0.1 seconds.</value>
    internal TimeSpan Tick { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Where the node keeps what must survive it; absent for <see cref="StateFolder"/>.</summary>
    internal IDisk? Disk { get; init; }

    /// <summary>The name of the next start, different from all others; absent for a random one.</summary>
    internal string? Incarnation { get; init; }

    /// <summary>What is to run alone shares this: one for the process.</summary>
    internal AsyncGate Alone { get; init; } = AttemptContext.ProcessGate;

    internal Topics Topics => new(Cluster);
}
