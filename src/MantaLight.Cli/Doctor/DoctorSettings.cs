using System.Collections.Immutable;
using MantaLight.Mqtt;

namespace MantaLight.Cli.Doctor;

/// <summary>What <c>mantalight doctor</c> is to look at.</summary>
internal sealed record DoctorSettings
{
    /// <summary>Where these settings come from, or why they could not be read.</summary>
    public required Finding Found { get; init; }

    /// <summary>How a node introduces itself to its broker.</summary>
    public required MqttBrokerOptions Broker { get; init; }

    public required string Cluster { get; init; }

    /// <summary>A project folder or a definition; null for none.</summary>
    public string? Target { get; init; }

    /// <summary>Modules beside the target's: a .dll or a project folder.</summary>
    public ImmutableArray<string> Modules { get; init; } = [];

    /// <summary>Data sets as a node maps them: name and path.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Datasets { get; init; } = [];

    /// <summary>The folder of a run's data, as DATASET/NODE/DATASET.npz; null for none.</summary>
    public string? Data { get; init; }

    /// <summary>Where a node would keep its state.</summary>
    public required string StateFolder { get; init; }
}
