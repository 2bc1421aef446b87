using System.Collections.Concurrent;
using System.Globalization;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Virtual;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Nodes;

/// <summary>Whole swarms without a barrier, of real nodes and of virtual ones, in which one node is slower by some rounds.</summary>
public sealed class AsynchronousSwarmTests
{
    private const int Rounds = 8;

    [Fact]
    public async Task Who_is_slow_holds_nobody_up_and_counts_when_it_comes()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 3);
        await swarm.PublishDefinitionAsync(Definition("real"));
        var end = await swarm.WaitForEndAsync();
        Check(end, [.. swarm.Messages.Select(m => ProtocolJson.Read<ControlMessage>(m.Payload, out _)).OfType<ControlMessage>()]);
    }

    [Fact]
    public async Task Virtual_nodes_do_as_real_ones()
    {
        var messages = new ConcurrentQueue<ControlMessage>();
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { ReplaysRetainedByWildcard = true } });
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var watcher = await broker.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, CancellationToken.None);
        await watcher.SubscribeAsync($"mantalight/{VirtualSwarmSettings.Cluster}/#", message =>
        {
            if (ProtocolJson.ReadOwn<ControlMessage>(message.Payload) is { } heard)
                messages.Enqueue(heard);
        }, CancellationToken.None);
        await using var swarm = new VirtualSwarm(new VirtualSwarmSettings
        {
            Swarm = "vectors", Definition = SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(Definition("virtual"))), Catalog = new TaskCatalog([typeof(SwarmHarness).Assembly]),
            Nodes = [.. Enumerable.Range(0, 3).Select(n => new VirtualNode($"node_{n}", new NoData(), []))], Services = services, Slots = 3,
        }, broker, NullLoggerFactory.Instance, TimeProvider.System);
        var end = await swarm.RunAsync(TestContext.Current.CancellationToken).WaitAsync(SwarmHarness.Patience, TestContext.Current.CancellationToken);
        await watcher.CloseAsync(CancellationToken.None);
        Check(end, [.. messages]);
    }

    private static void Check(SwarmState end, IReadOnlyCollection<ControlMessage> messages)
    {
        Assert.Equal((RunStatus.Completed, Rounds), (end.Status, end.Round));
        var buffers = messages.OfType<ScheduleAttempt>().Where(s => s.Alias == "aggregator").DistinctBy(s => s.Attempt)
            .ToDictionary(s => s.Round, s => s.Inputs.Where(i => i.Staged.Tag == "model_params").Select(i => (i.Node, Round: i.Round ?? s.Round)).ToArray());
        Assert.Equal(Rounds, buffers.Count);
        Assert.All(buffers.Values, buffer => Assert.Equal(2, buffer.Length));
        Assert.Equal(2 * Rounds, buffers.Values.SelectMany(b => b).Distinct().Count());
        var late = buffers.Single(b => b.Value.Contains(("node_2", 1)));
        Assert.True(late.Key >= 4, $"It counted in round {late.Key}.");
        Assert.All(buffers.Where(b => b.Key < 4), b => Assert.Equal([("node_0", b.Key), ("node_1", b.Key)], b.Value));
        // Each node adds its number, wherever it began; an age of τ divides that by √(1 + τ).
        var model = buffers.Sum(b => b.Value.Sum(m => Number(m.Node) / Math.Sqrt(1.0 + b.Key - m.Round) / 2));
        Assert.Equal(model, end.History[^1].Metrics["test_metrics.mean"], 1e-5);
        Assert.All(end.History, h => Assert.Equal(buffers[h.Round].Average(m => h.Round - m.Round), h.Metrics["aggregation.mean_staleness"], 1e-12));
    }

    private static int Number(string node) => int.Parse(node.AsSpan(node.LastIndexOf('_') + 1), CultureInfo.InvariantCulture) + 1;

    private static string Definition(string gate) => SwarmHarness.Definition(nameof(SlowOnNodeTwo), Rounds, minimumNodes: 3, extra: "")
        .Replace("\"length\": 3", $"\"length\": 3, \"gate\": \"{gate}\"", StringComparison.Ordinal)
        .Replace("\"method\": \"all\" },\n    { \"alias\": \"aggregator\", \"type\": \"FedAvg\"", "\"method\": \"all\", \"asynchronous\": { \"buffer\": 2 } },\n    { \"alias\": \"aggregator\", \"type\": \"FedBuff\"", StringComparison.Ordinal)
        .Replace("{ \"alias\": \"test\", \"type\": \"VectorTest\", \"method\": \"all\"", $"{{ \"alias\": \"test\", \"type\": \"{nameof(MeanTest)}\"", StringComparison.Ordinal)
        .Replace("VectorScheduler", nameof(OneMoreRound), StringComparison.Ordinal);

    private sealed class NoData : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}

/// <summary>A worker that, on node_2, takes from the first round until others have begun the fourth.</summary>
public sealed class SlowOnNodeTwo : VectorWorker
{
    private static readonly ConcurrentDictionary<string, TaskCompletionSource> Gates = new(StringComparer.Ordinal);

    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var gate = Gates.GetOrAdd(await World.Globals.GetAsync<string>("gate", cancellationToken), _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        // It reads the model that it begins with before others replace it.
        using (await World.Globals.GetWeightsAsync("global_model_params", cancellationToken))
        {
            if (Context is { Node: "node_2", Round: 1 })
                await gate.Task.WaitAsync(cancellationToken);
        }
        if (Context.Round >= 4)
            gate.TrySetResult();
        await base.RunAsync(cancellationToken);
    }
}

/// <summary>Tells the model's first element.</summary>
public sealed class MeanTest : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        using var global = await World.Globals.GetWeightsAsync("global_model_params", cancellationToken);
        World.Results.Add("test_metrics", new { Mean = (double)global[0].Span<float>()[0] });
    }
}

/// <summary>Asks for another round.</summary>
public sealed class OneMoreRound : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        World.ScheduleNextRound();
        return Task.CompletedTask;
    }
}
