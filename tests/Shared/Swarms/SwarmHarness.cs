using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using MantaLight.Coordination;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MantaLight.Shared;

/// <summary>Nodes on a broker, an owner's connection, and the states of a swarm as they are committed.</summary>
internal sealed class SwarmHarness : IAsyncDisposable
{
    public const string Module = "test-tasks";

    private readonly IBroker broker;
    private readonly LoggerFactory loggers;
    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-tests-").FullName;
    private readonly ServiceProvider services = new ServiceCollection().BuildServiceProvider();
    private readonly ConcurrentDictionary<string, RunningNode> nodes = new(StringComparer.Ordinal);
    private readonly Channel<SwarmState> states = Channel.CreateUnbounded<SwarmState>();
    private readonly ConcurrentQueue<BrokerMessage> messages = new();
    private readonly MessageStamp stamp = new("owner", "test", TimeProvider.System);

    private SwarmHarness(IBroker broker, IBrokerConnection owner, string cluster)
    {
        this.broker = broker;
        Owner = owner;
        loggers = new LoggerFactory([Log]);
        Topics = new Topics(cluster);
    }

    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(30);

    public IBrokerConnection Owner { get; }

    public Topics Topics { get; }

    public LogBook Log { get; } = new();

    /// <summary>Everything that the owner has seen.</summary>
    public IReadOnlyCollection<BrokerMessage> Messages => messages;

    public static async Task<SwarmHarness> StartAsync(IBroker broker, int nodes, string? cluster = null)
    {
        cluster ??= $"t{Guid.NewGuid():n}"[..12];
        var owner = await broker.ConnectAsync(new ConnectionProfile { ClientId = $"{cluster}.owner" }, CancellationToken.None);
        var harness = new SwarmHarness(broker, owner, cluster);
        await owner.SubscribeAsync($"{harness.Topics.Prefix}#", harness.Watch, CancellationToken.None);
        for (var i = 0; i < nodes; i++)
            await harness.AddNodeAsync($"node_{i}");
        return harness;
    }

    public Task<NodeRuntime> AddNodeAsync(string id) => AddNodeAsync(Settings(id));

    public async Task<NodeRuntime> AddNodeAsync(NodeSettings settings)
    {
        var id = settings.Id;
        var stop = new CancellationTokenSource();
        var runtime = new NodeRuntime(settings, broker, services, loggers, TimeProvider.System);
        var running = Task.Run(() => runtime.RunAsync(stop.Token));
        await runtime.Online.WaitAsync(Patience);
        nodes[id] = new RunningNode(runtime, running, stop);
        return runtime;
    }

    public NodeSettings Settings(string id) => new()
    {
        Id = id,
        Cluster = Topics.Cluster,
        Datasets = new NoDatasets(),
        Modules = ImmutableSortedDictionary.Create<string, TaskCatalog>(StringComparer.Ordinal).Add(Module, new TaskCatalog([typeof(SwarmHarness).Assembly])),
        StateFolder = Path.Combine(folder, id),
        Election = Quick,
        Coordination = new CoordinatorTiming
        {
            Resend = TimeSpan.FromSeconds(1), Offline = TimeSpan.FromSeconds(0.5), RollCall = TimeSpan.FromSeconds(0.5), Patience = TimeSpan.FromSeconds(1),
        },
        NamesakePatience = TimeSpan.FromSeconds(1),
    };

    public static ElectionTiming Quick { get; } = new()
    {
        Beat = TimeSpan.FromSeconds(0.5), Lost = TimeSpan.FromSeconds(0.5), Rank = TimeSpan.FromSeconds(0.6), First = TimeSpan.FromSeconds(0.1),
        ReadBack = TimeSpan.FromSeconds(0.3), Grace = TimeSpan.FromSeconds(0.1), Retry = TimeSpan.FromSeconds(0.2),
    };

    /// <summary>The round of the tutorial with tasks that need no numeric library.</summary>
    public static string Definition(string worker = "VectorWorker", int rounds = 5, int minimumNodes = 1, string extra = "", string deadline = "00:00:20", double quorum = 1.0, int seed = 1) => $$"""
        {
          "name": "vectors", "module": "{{Module}}", "seed": {{seed}}, "setup": "FirstVector",
          "globals": { "length": 3 },
          "tasks": [
            { "alias": "worker", "type": "{{worker}}", "method": "all" },
            { "alias": "aggregator", "type": "FedAvg", "after": ["worker"] },
            { "alias": "test", "type": "VectorTest", "method": "all", "after": ["aggregator"] },
            { "alias": "scheduler", "type": "VectorScheduler", "after": ["test"] }
          ],
          "rounds": { "maximum": {{rounds}}, "deadline": "{{deadline}}", "minimum_nodes": {{minimumNodes}}, "retries": 1, "quorum": {{quorum.ToString("0.0##", System.Globalization.CultureInfo.InvariantCulture)}} }{{extra}}
        }
        """;

    public Task PublishDefinitionAsync(string json, string swarm = "vectors") =>
        Owner.PublishAsync(new OutboundMessage(Topics.Definition(swarm), System.Text.Encoding.UTF8.GetBytes(json), retain: true), CancellationToken.None).AsTask();

    public Task ControlAsync(SwarmAction action, string swarm = "vectors") =>
        Owner.PublishAsync(new OutboundMessage(Topics.Control(swarm), ProtocolJson.Write(stamp.Stamp(new SwarmControl { Action = action }))), CancellationToken.None).AsTask();

    /// <summary>The next committed state that fulfils the condition.</summary>
    public async Task<SwarmState> WaitAsync(Func<SwarmState, bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        SwarmState? last = null;
        try
        {
            await foreach (var state in states.Reader.ReadAllAsync(patience.Token))
            {
                last = state;
                if (condition(state))
                    return state;
            }
        }
        catch (OperationCanceledException)
        {
        }
        throw new TimeoutException($"The state did not come; the last one was: {last}\n{string.Join('\n', Log.Lines)}\n{string.Join('\n', messages.Select(m => m.Topic))}");
    }

    public Task<SwarmState> WaitForEndAsync() => WaitAsync(s => s.Status.IsFinal());

    /// <summary>Waits until somebody has the coordinator's seat, but does not act yet.</summary>
    public Task WaitForClaimAsync(string swarm = "vectors") => EventuallyAsync(() => messages.Any(m => m.Topic == Topics.Coordinator(swarm)));

    /// <summary>Waits for what no message tells.</summary>
    public static async Task EventuallyAsync(Func<bool> condition, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(began) > Patience)
                throw new TimeoutException($"This did not come true: {what}");
            await Task.Delay(20);
        }
    }

    public async Task StopNodeAsync(string id)
    {
        if (nodes.TryRemove(id, out var node))
            await node.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(nodes.Values.Select(n => n.StopAsync()));
        await Owner.DisposeAsync();
        await services.DisposeAsync();
        loggers.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private void Watch(BrokerMessage message)
    {
        messages.Enqueue(message);
        if (Topics.Split(message.Topic) is ["swarms", _, "state"] && ProtocolJson.Read<SwarmState>(message.Payload, out _) is { } state)
            states.Writer.TryWrite(state);
    }

    private sealed record RunningNode(NodeRuntime Runtime, Task Running, CancellationTokenSource Stop)
    {
        public async Task StopAsync()
        {
            await Stop.CancelAsync();
            await Running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Stop.Dispose();
        }
    }

    private sealed class NoDatasets : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}
