using System.Collections.Immutable;
using MantaLight.Checkpoints;
using MantaLight.Cli.Commands;
using MantaLight.Cli.Data;
using MantaLight.Cli.Swarms;

namespace MantaLight.Cli.Running;

/// <summary>What <c>mantalight run</c> was asked for.</summary>
internal sealed record RunSettings
{
    /// <summary>A project folder or a definition's file.</summary>
    public required string Target { get; init; }

    /// <summary>How many nodes.</summary>
    public int Nodes { get; init; } = 2;

    /// <summary>How training samples are shared out.</summary>
    public PartitionSpec Partition { get; init; } = PartitionSpec.Iid;

    /// <summary>Who gets which test samples.</summary>
    public TestShare Test { get; init; } = TestShare.Split;

    /// <summary>Changes to the definition.</summary>
    public DefinitionChanges Changes { get; init; } = new([]);

    /// <summary>Whether each node is a process of its own.</summary>
    public bool Processes { get; init; }

    /// <summary>The broker; null for one of its own.</summary>
    public Uri? Broker { get; init; }

    /// <summary>The cluster.</summary>
    public string Cluster { get; init; } = "local";

    /// <summary>The swarm's id; null for the definition's name.</summary>
    public string? Id { get; init; }

    /// <summary>Byzantine participants; null where all are honest.</summary>
    public Attackers? Attackers { get; init; }

    /// <summary>Where the report goes; null for nowhere.</summary>
    public string? Json { get; init; }

    /// <summary>The folder of the nodes' data; null for the usual one.</summary>
    public string? Data { get; init; }

    /// <summary>Where checkpoints go; null for nowhere.</summary>
    public CheckpointOptions? Checkpoints { get; init; }

    /// <summary>The checkpoint to go on from; null to begin at the beginning.</summary>
    public string? ResumeFrom { get; init; }

    /// <summary>Whether the nodes' logs are shown.</summary>
    public bool Verbose { get; init; }

    /// <summary>The ids of the nodes.</summary>
    public ImmutableArray<string> NodeIds => [.. Enumerable.Range(0, Nodes).Select(MnistPartitions.NameOf)];
}

/// <summary>One node of a run.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Datasets">Its data: the file or folder of each data set.</param>
/// <param name="StateFolder">Where it keeps what it stages.</param>
internal sealed record RunNode(string Id, ImmutableSortedDictionary<string, string> Datasets, string StateFolder);
