using MantaLight.Cli.Running;

namespace MantaLight.Cli.Comparing;

/// <summary>What <c>mantalight compare</c> was asked for.</summary>
internal sealed record CompareSettings
{
    /// <summary>The federated run, and whose data they are.</summary>
    public required SimulationSettings Federated { get; init; }

    /// <summary>How many participants train alone, the first ones; null for all, but not more than <see cref="UsualAlone"/>.</summary>
    public int? Alone { get; init; }

    /// <summary>The folder for plots and reports; null for none.</summary>
    public string? Output { get; init; }

    /// <summary>So many train alone where nothing else is said.</summary>
    public const int UsualAlone = 10;

    /// <summary>How many participants train alone.</summary>
    public int AloneCount => Math.Min(Alone ?? UsualAlone, Federated.Participants);
}
