using System.Collections.Immutable;
using MantaLight.Node;

namespace MantaLight.Cli.Hosting;

/// <summary>What the command line of <c>mantalight node</c> says; what it leaves out stays as configured.</summary>
internal sealed record NodeFlags
{
    public string? Id { get; init; }
    public string? Cluster { get; init; }
    public string? Broker { get; init; }
    public ImmutableArray<string> Datasets { get; init; } = [];
    public ImmutableArray<string> Modules { get; init; } = [];
    public int? Concurrency { get; init; }
    public ImmutableArray<string> Tags { get; init; } = [];
    public string? StateFolder { get; init; }
    public string? Checkpoints { get; init; }
    public int? CheckpointEvery { get; init; }
    public int? KeepCheckpoints { get; init; }
    public TelemetryExport? Telemetry { get; init; }
    public bool Gpu { get; init; }
    public string? HoldFile { get; init; }

    /// <summary>Whether the end of standard input means to stop.</summary>
    public bool UntilInputEnds { get; init; }

    /// <summary>Puts the flags over other settings.</summary>
    public void ApplyTo(NodeOptions options)
    {
        options.Id = Id ?? options.Id;
        options.Cluster = Cluster ?? options.Cluster;
        options.Broker = Broker ?? options.Broker;
        options.Concurrency = Concurrency ?? options.Concurrency;
        options.StateFolder = StateFolder ?? options.StateFolder;
        options.Checkpoints = Checkpoints ?? options.Checkpoints;
        options.CheckpointEvery = CheckpointEvery ?? options.CheckpointEvery;
        options.KeepCheckpoints = KeepCheckpoints ?? options.KeepCheckpoints;
        options.Telemetry = Telemetry ?? options.Telemetry;
        options.Gpu |= Gpu;
        options.HoldFile = HoldFile ?? options.HoldFile;
        foreach (var dataset in Datasets)
        {
            var equals = dataset.IndexOf('=', StringComparison.Ordinal);
            options.Datasets[dataset[..equals]] = dataset[(equals + 1)..];
        }
        Replace(options.Modules, Modules);
        Replace(options.Tags, Tags);
    }

    private static void Replace(IList<string> configured, ImmutableArray<string> given)
    {
        if (given.IsEmpty)
            return;
        configured.Clear();
        foreach (var value in given)
            configured.Add(value);
    }
}
