using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Coordination;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace MantaLight.Simulation;

/// <summary>A machine with a disk on which a node is started again and again: the product's own runtime, in a simulated process.</summary>
internal sealed class SimulatedNode(World world, FaultyBroker broker, HistoryPlan plan, string id, Evidence evidence, Mutations mutations)
{
    public const string Module = "simulated-tasks";

    private static readonly ServiceProvider Services = new ServiceCollection().BuildServiceProvider();
    private static readonly ImmutableSortedDictionary<string, TaskCatalog> Modules =
        ImmutableSortedDictionary.Create<string, TaskCatalog>(StringComparer.Ordinal).Add(Module, new TaskCatalog([typeof(SimulatedNode).Assembly]));

    private readonly Draw draw = Draw.For(plan.Seed, id);
    private Action? sayGoodbye;
    private bool isStopping;
    private int starts;

    public string Id => id;

    public SimulatedDisk Disk { get; } = new(world, Draw.For(plan.Seed, id + "/disk"));

    /// <summary>The present process; null while none runs.</summary>
    public SimulatedProcess? Process { get; private set; }

    public Network? Network { get; private set; }

    public SimulatedDisk.Mounted? Mounted { get; private set; }

    public bool IsRunning => Process is { IsAlive: true };

    /// <summary>Starts a process, unless one runs.</summary>
    public void Start()
    {
        // A process that was killed by its own publish or write is dead before anybody asks.
        if (IsRunning || isStopping)
            return;
        starts++;
        var name = string.Create(CultureInfo.InvariantCulture, $"{id}.{starts}");
        world.Trace.Add("start", name);
        Process = new SimulatedProcess(world, name, plan.SkewsClocks ? draw.Between(TimeSpan.FromMinutes(-90), TimeSpan.FromMinutes(90)) : TimeSpan.Zero);
        Network = new Network(Process) { Distance = draw.Of(0.05, 0.3, 1, 1), IsFar = draw.Chance(0.5) };
        Mounted = Disk.Mount(Process);
        Mounted.NeverDeletes = plan.Mutation == Mutation.NeverDeletes;
        var stop = new CancellationTokenSource();
        sayGoodbye = stop.Cancel;
        var process = Process;
        var settings = Settings(Mounted);
        var door = mutations.Apply(broker.For(Network), Process);
        Process.Start(() => new NodeRuntime(settings, door, Services, evidence.LoggersFor(process), process.Clock).RunAsync(stop.Token), problem => Ended(process, problem));
    }

    public void Kill(bool losesPower = false)
    {
        if (IsRunning)
            world.Tally.Add(Tally.Killed);
        Process?.Kill();
        if (losesPower)
            Disk.LosePower();
    }

    /// <summary>Asks it to say goodbye.</summary>
    public void Stop()
    {
        isStopping = true;
        if (sayGoodbye is { } cancel)
            Process?.Post(cancel);
    }

    private void Ended(SimulatedProcess process, Exception? problem)
    {
        process.Kill();
        if (problem is OperationCanceledException && isStopping)
            return;
        world.Trace.Add("ended", process.Name, problem?.Message ?? "");
        // As a service manager would: a broker that does not answer at the start is tried again.
        if (problem is BrokerUnreachableException)
            world.After(TimeSpan.FromSeconds(2), Start);
        else
            world.Fail($"{process.Name} ended by itself: {problem}");
    }

    private NodeSettings Settings(SimulatedDisk.Mounted disk) => new()
    {
        Id = id,
        Cluster = Evidence.Cluster,
        Datasets = new NoData(),
        Modules = Modules,
        StateFolder = "unused",
        Disk = disk,
        Incarnation = string.Create(CultureInfo.InvariantCulture, $"{id}-{starts:x8}"),
        Election = plan.Mutation == Mutation.NoGrace ? new ElectionTiming { Grace = TimeSpan.Zero } : new ElectionTiming(),
        Alone = new Concurrency.AsyncGate(1),
    };

    private sealed class NoData : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}
