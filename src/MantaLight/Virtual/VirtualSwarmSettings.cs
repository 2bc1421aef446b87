using MantaLight.Checkpoints;
using MantaLight.Swarms;
using MantaLight.Tasks;

namespace MantaLight.Virtual;

/// <summary>What a swarm of virtual nodes is made of.</summary>
public sealed record VirtualSwarmSettings
{
    /// <summary>The cluster under whose topics it is told.</summary>
    public const string Cluster = "local";

    /// <summary>The swarm's id.</summary>
    public required string Swarm { get; init; }

    /// <summary>What it does. A round that is short of nodes fails where the definition would have it wait: nobody else can come.</summary>
    public required SwarmDefinition Definition { get; init; }

    /// <summary>The tasks of its module.</summary>
    public required TaskCatalog Catalog { get; init; }

    /// <summary>Who takes part.</summary>
    public required IReadOnlyList<VirtualNode> Nodes { get; init; }

    /// <summary>Services for the tasks' constructors.</summary>
    public required IServiceProvider Services { get; init; }

    /// <summary>Attempts at once; at least 1. Nothing but time depends on it.</summary>
    /// <value>The cores.</value>
    public int Slots { get; init; } = Environment.ProcessorCount;

    /// <summary>Where checkpoints go.</summary>
    /// <value>Null: none are kept.</value>
    public CheckpointOptions? Checkpoints { get; init; }

    /// <summary>Told of each checkpoint, and of each that could not be written; between two calls of the watch.</summary>
    public Action<CheckpointNews> Kept { get; init; } = _ => { };

    /// <summary>The checkpoint behind which the run begins.</summary>
    /// <value>Null: it begins with round 1, or with the definition's own start where that holds no weights.</value>
    public Checkpoint? From { get; init; }
}
