using MantaLight.Checkpoints;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Virtual;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Scheduling;

/// <summary>Whole swarms with a <see cref="MantaLight.Scheduling.RoundScheduler"/>, told by JSON alone.</summary>
public sealed class ScheduledSwarmTests
{
    [Fact]
    public async Task A_swarm_that_becomes_no_better_ends_and_says_so_also_behind_a_checkpoint()
    {
        // The accuracy is a tenth of the global, which grows by 2.33 in each round: at most 1 from round 5 on.
        var definition = Definition("""{ "stop": ["patience 2 min_delta=0.01", "time 1h", "bytes 1TB"] }""");
        var folder = Directory.CreateTempSubdirectory("mantalight-scheduled-");
        try
        {
            var (whole, _) = await RunAsync(definition, nodes: 3, change: s => s with { Checkpoints = new CheckpointOptions { Folder = folder.FullName, Every = 6 } });
            Assert.Equal((RunStatus.Completed, 7, "accuracy has not become better than 1 (round 5) for 2 rounds"), (whole.Status, whole.Round, whole.Reason));
            Assert.Equal(1, whole.History[^1].Metrics["global_metrics.accuracy"]);

            var from = await Checkpoint.ReadAsync(Directory.GetFiles(folder.FullName, "*6.*").Single(), TestContext.Current.CancellationToken);
            var (rest, _) = await RunAsync(definition, nodes: 3, change: s => s with { From = from });
            Assert.Equal((whole.Round, whole.Reason, whole.History[^1].GlobalSha256), (rest.Round, rest.Reason, rest.History[^1].GlobalSha256));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_bound_that_comes_before_the_goal_stops_it()
    {
        var (end, _) = await RunAsync(Definition("""{ "stop": ["accuracy >= 0.9", "rounds 2"] }"""), nodes: 2);

        Assert.Equal((RunStatus.Stopped, 2, "round 2 is the last of 2"), (end.Status, end.Round, end.Reason));
    }

    [Fact]
    public async Task Nodes_of_the_highest_losses_take_part_and_others_wait()
    {
        // Node n tells 1 / (round (n + 1)).
        var (end, messages) = await RunAsync(Definition("""{ "select": "by_loss 1", "stop": ["rounds 6"] }"""), nodes: 4);

        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.Equal(
            // 1/2 in round 2, then 1/2 of node_1 beside 1/3 of node_0, and so on: the largest that was told last, of equal ones the first id.
            ["1: node_0 node_1 node_2 node_3", "2: node_0", "3: node_0", "4: node_1", "5: node_0", "6: node_2"],
            Workers(messages));
    }

    [Fact]
    public async Task A_random_part_is_the_one_that_a_maximum_of_the_definition_chooses()
    {
        var (_, asked) = await RunAsync(Definition("""{ "select": "random 0.2", "stop": ["rounds 4"] }"""), nodes: 20);
        var (_, defined) = await RunAsync(Definition("""{ "stop": ["rounds 4"] }""").Replace("\"method\": \"all\" },\n", "\"method\": \"all\", \"maximum\": 0.2 },\n", StringComparison.Ordinal), nodes: 20);

        Assert.Equal(Workers(defined).Skip(1), Workers(asked).Skip(1));
        Assert.Equal(20, Workers(asked).First().Split(' ').Length - 1);
    }

    private static IEnumerable<string> Workers(IEnumerable<ControlMessage> messages) => messages.OfType<TaskCompleted>().Where(c => c.Alias == "worker")
        .GroupBy(c => c.Round).OrderBy(r => r.Key).Select(r => $"{r.Key}: {string.Join(' ', r.Select(c => c.From).Distinct().Order(StringComparer.Ordinal))}");

    private static string Definition(string options) => $$"""
        {
          "name": "vectors", "module": "{{SwarmHarness.Module}}", "seed": 1, "setup": "FirstVector",
          "tasks": [
            { "alias": "worker", "type": "VectorWorker", "method": "all" },
            { "alias": "aggregator", "type": "FedAvg", "after": ["worker"] },
            { "alias": "test", "type": "VectorTest", "method": "all", "after": ["aggregator"] },
            { "alias": "scheduler", "type": "RoundScheduler", "after": ["worker", "test"], "options": {{options}} }
          ],
          "rounds": { "maximum": 20, "deadline": "00:00:20" }
        }
        """;

    private static async Task<(SwarmState End, List<ControlMessage> Messages)> RunAsync(string definition, int nodes, Func<VirtualSwarmSettings, VirtualSwarmSettings>? change = null)
    {
        var messages = new List<ControlMessage>();
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { ReplaysRetainedByWildcard = true } });
        await using var services = new ServiceCollection().BuildServiceProvider();
        var settings = new VirtualSwarmSettings
        {
            Swarm = "vectors", Definition = SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(definition)), Catalog = new TaskCatalog([typeof(SwarmHarness).Assembly]),
            Nodes = [.. Enumerable.Range(0, nodes).Select(n => new VirtualNode($"node_{n}", new NoData(), []))], Services = services, Slots = 2,
        };
        await using var watcher = await broker.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, CancellationToken.None);
        await watcher.SubscribeAsync(
            $"mantalight/{VirtualSwarmSettings.Cluster}/#",
            message =>
            {
                if (ProtocolJson.ReadOwn<ControlMessage>(message.Payload) is { } heard)
                    messages.Add(heard);
            },
            CancellationToken.None);
        await using var swarm = new VirtualSwarm(change?.Invoke(settings) ?? settings, broker, NullLoggerFactory.Instance, TimeProvider.System);
        var end = await swarm.RunAsync(TestContext.Current.CancellationToken);
        await watcher.CloseAsync(CancellationToken.None);
        return (end, messages);
    }

    private sealed class NoData : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}
