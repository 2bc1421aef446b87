using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Coordination;
using MantaLight.Nodes;
using MantaLight.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace MantaLight.Simulation;

/// <summary>A real node among a crowd.</summary>
internal sealed class CrowdNode(World world, FaultyBroker broker, string id)
{
    private static readonly ServiceProvider Services = new ServiceCollection().BuildServiceProvider();

    private readonly SimulatedDisk disk = new(world, Draw.For(1, id));
    private int starts;

    public string Id => id;

    public SimulatedProcess? Process { get; private set; }

    public void Start()
    {
        starts++;
        var process = Process = new SimulatedProcess(world, string.Create(CultureInfo.InvariantCulture, $"{id}.{starts}"), TimeSpan.Zero);
        var settings = Settings(disk.Mount(process));
        var loggers = new ProcessLoggers(process, new AttemptCheck(world));
        process.Start(
            () => new NodeRuntime(settings, broker.For(new Network(process)), Services, loggers, process.Clock).RunAsync(CancellationToken.None),
            problem => world.Fail($"{process.Name} ended by itself: {problem}"));
    }

    private NodeSettings Settings(SimulatedDisk.Mounted mounted) => new()
    {
        Id = id,
        Cluster = "sim",
        Datasets = new NoData(),
        Modules = ImmutableSortedDictionary.Create<string, TaskCatalog>(StringComparer.Ordinal).Add(SimulatedNode.Module, new TaskCatalog([typeof(CrowdNode).Assembly])),
        StateFolder = "unused",
        Tick = TimeSpan.FromMilliseconds(500),
        Disk = mounted,
        Incarnation = string.Create(CultureInfo.InvariantCulture, $"{id}-{starts:x8}"),
        // The participants by script take their places in the order of succession and do not stand.
        Election = new ElectionTiming { Rank = TimeSpan.FromMilliseconds(5) },
        Alone = new Concurrency.AsyncGate(1),
    };

    private sealed class NoData : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}
