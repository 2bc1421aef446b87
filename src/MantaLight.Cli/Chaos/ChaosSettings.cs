using System.Collections.Immutable;
using MantaLight.Cli.Chaos.Processes;
using MantaLight.Cli.Running;

namespace MantaLight.Cli.Chaos;

/// <summary>What <c>mantalight chaos</c> was asked for.</summary>
internal sealed record ChaosSettings
{
    /// <summary>The swarm, its data, its nodes and its seed.</summary>
    public required RunSettings Run { get; init; }

    /// <summary>How many faults.</summary>
    public int Faults { get; init; } = 50;

    /// <summary>Which broker.</summary>
    public BrokerKind Broker { get; init; }

    /// <summary>The kinds of faults; empty for all of them.</summary>
    public ImmutableArray<string> Kinds { get; init; } = [];
}
