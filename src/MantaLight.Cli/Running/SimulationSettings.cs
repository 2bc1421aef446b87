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

    /// <summary>Which part of them each round asks, above 0 to 1.</summary>
    public double Fraction { get; init; } = 1;

    /// <summary>Attempts at once; null for as many as the cores have room for.</summary>
    public int? Slots { get; init; }

    /// <summary>How training samples are shared out.</summary>
    public PartitionSpec Partition { get; init; } = new PartitionSpec.Iid();

    /// <summary>Who gets which test samples.</summary>
    public TestShare Test { get; init; } = TestShare.Split;

    /// <summary>Changes to the definition.</summary>
    public DefinitionChanges Changes { get; init; } = new([]);

    /// <summary>Where the report goes; null for nowhere.</summary>
    public string? Json { get; init; }
}
