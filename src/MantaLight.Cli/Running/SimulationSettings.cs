using MantaLight.Checkpoints;
using MantaLight.Cli.Commands;
using MantaLight.Cli.Data;
using MantaLight.Cli.Swarms;

namespace MantaLight.Cli.Running;

/// <summary>What <c>mantalight simulate</c> was asked for.</summary>
internal sealed record SimulationSettings
{
    /// <summary>A project folder or a definition's file.</summary>
    public required string Target { get; init; }

    /// <summary>How many take part.</summary>
    public int Participants { get; init; } = 100;

    /// <summary>Which part of them each round asks, above 0 to 1; null as the definition says.</summary>
    public double? Fraction { get; init; }

    /// <summary>Attempts at once; null for as many as the cores have room for.</summary>
    public int? Slots { get; init; }

    /// <summary>Threads of an attempt; null as the definition says.</summary>
    public int? Threads { get; init; }

    /// <summary>How training samples are shared out.</summary>
    public PartitionSpec Partition { get; init; } = PartitionSpec.Iid;

    /// <summary>So many training samples for each; null where all are shared out.</summary>
    public int? Samples { get; init; }

    /// <summary>Who gets which test samples.</summary>
    public TestShare Test { get; init; } = TestShare.Split;

    /// <summary>The folder of the participants' data; null for a known data set in memory.</summary>
    public string? Data { get; init; }

    /// <summary>Changes to the definition.</summary>
    public DefinitionChanges Changes { get; init; } = new([]);

    /// <summary>Byzantine participants; null where all are honest.</summary>
    public Attackers? Attackers { get; init; }

    /// <summary>Where the report goes; null for nowhere.</summary>
    public string? Json { get; init; }

    /// <summary>Where checkpoints go; null for nowhere.</summary>
    public CheckpointOptions? Checkpoints { get; init; }

    /// <summary>The checkpoint to go on from; null to begin anew.</summary>
    public string? ResumeFrom { get; init; }
}
