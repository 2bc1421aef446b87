using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using MantaLight.Checkpoints;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Tests.Virtual;
using MantaLight.Virtual;
using MantaLight.Weights;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.SecureAggregation;

/// <summary>Whole swarms whose workers' weights leave masked.</summary>
public sealed class SecureSwarmTests
{
    private const string Secure = ", \"secure_aggregation\": { \"range\": 10, \"most_samples\": 100 }";

    // Nodes 0 to 3 add 1 to 4, by 10 to 40 samples: 3.0 each round.
    private const float Mean = 3;

    [Fact]
    public async Task Virtual_nodes_come_to_the_mean_that_plain_ones_come_to()
    {
        var (end, global, messages) = await RunAsync(Definition(rounds: 2, extra: Secure), nodes: 4);
        Assert.Equal((RunStatus.Completed, 2), (end.Status, end.Round));
        Assert.All(global, v => Assert.Equal(2 * Mean, v, 1e-4));
        var summary = messages.OfType<TaskCompleted>().First(c => c.Alias == "aggregator").Results.Single(r => r.Tag == "aggregation").Content.Value!.Value;
        Assert.Equal((100, 4), (summary.GetProperty("samples").GetInt32(), summary.GetProperty("participant_count").GetInt32()));
    }

    [Theory]
    [InlineData("\"bits\": 16, \"range\": 5, \"weighted\": false, \"neighbours\": 2", "{ \"type\": \"Aggregate\", \"options\": { \"aggregate\": [\"mean weights=uniform\"] }", 2.5, 0.01)]
    [InlineData("\"bits\": 64, \"range\": 5, \"most_samples\": 40", "{ \"type\": \"FedAvgM\", \"options\": { \"lr\": 2, \"beta\": 0 }", 6, 1e-6)]
    public async Task It_goes_with_sparse_graphs_with_other_rings_and_with_a_servers_step(string options, string aggregator, double expected, double precision)
    {
        var definition = Definition(rounds: 1, extra: $", \"secure_aggregation\": {{ {options} }}").Replace("{ \"alias\": \"aggregator\", \"type\": \"FedAvg\"", $"{aggregator}, \"alias\": \"aggregator\"", StringComparison.Ordinal);
        var (end, global, _) = await RunAsync(definition, nodes: 4);
        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.All(global, v => Assert.Equal(expected, v, precision));
    }

    [Fact]
    public async Task A_node_that_fails_after_it_has_shared_is_left_out_and_the_sum_is_that_of_the_others()
    {
        var definition = Definition(nameof(FailsAtFirstOnNodeOne), rounds: 1, extra: Secure, quorum: 0.7).Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal);
        var (end, global, _) = await RunAsync(definition, nodes: 5);
        Assert.Equal(RunStatus.Completed, end.Status);
        // 1, 3, 4 and 5 by 10, 30, 40 and 50.
        Assert.All(global, v => Assert.Equal((1 + 9 + 16 + 25) / 13.0, v, 1e-4));
    }

    [Fact]
    public async Task Below_the_threshold_the_round_fails_with_the_reason_and_nothing_is_revealed()
    {
        var definition = Definition(nameof(FailsAtFirstOnNodeOne), rounds: 1, extra: Secure, quorum: 0.6).Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal);
        var (end, _, messages) = await RunAsync(definition, nodes: 3);
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.Contains("a sum of fewer than 3 hides nothing", end.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(messages.OfType<TaskCompleted>().SelectMany(c => c.Results), r => r.Tag is "secure_consent" or "secure_revealed");
    }

    [Fact]
    public async Task Neither_slots_nor_secrets_show_in_the_result()
    {
        var (one, _, _) = await RunAsync(Definition(rounds: 3, extra: Secure), nodes: 6, slots: 1);
        var (three, _, _) = await RunAsync(Definition(rounds: 3, extra: Secure), nodes: 6, slots: 3);
        Assert.Equal(one.History.Select(h => h.GlobalSha256), three.History.Select(h => h.GlobalSha256));
    }

    [Fact]
    public async Task Each_round_asks_the_same_nodes_on_all_stages_where_it_asks_a_part()
    {
        var definition = Definition(rounds: 3, extra: Secure).Replace("\"method\": \"all\" },", "\"method\": \"all\", \"maximum\": 0.5 },", StringComparison.Ordinal);
        var (end, _, messages) = await RunAsync(definition, nodes: 10);
        Assert.Equal(RunStatus.Completed, end.Status);
        foreach (var round in messages.OfType<TaskCompleted>().GroupBy(c => c.Round).Where(r => r.Key > 0))
        {
            var asked = round.Where(c => c.Alias is "worker" or "secure_keys" or "secure_shares" or "secure_consent" or "secure_reveal").ToLookup(c => c.Alias, c => c.From);
            Assert.Equal(5, asked.Count);
            Assert.All(asked, nodes => Assert.Equal(asked["worker"].Order(StringComparer.Ordinal), nodes.Distinct().Order(StringComparer.Ordinal)));
            Assert.Equal(5, asked["worker"].Count());
        }
    }

    [Fact]
    public async Task A_contribution_of_more_samples_than_sums_have_room_for_is_refused()
    {
        var definition = Definition(rounds: 1, extra: Secure.Replace("100", "30", StringComparison.Ordinal)).Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal);
        var (end, _, _) = await RunAsync(definition, nodes: 4);
        Assert.Contains("raise 'most_samples' in 'secure_aggregation'", end.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData(Secure, false)]
    public async Task A_watcher_of_the_broker_sees_no_contribution_and_no_number_of_samples(string extra, bool isSeen)
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 4);
        await swarm.PublishDefinitionAsync(Definition(rounds: 1, minimumNodes: 4, extra: extra));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.Equal([.. Enumerable.Repeat(Mean, 3)], (await Global(swarm)).Select(v => MathF.Round(v, 3)));
        // What each of the others but the aggregator has sent, as it would be without masks.
        var seen = swarm.Messages.Select(m => m.Payload.ToArray()).ToArray();
        var plain = Enumerable.Range(1, 4).Count(n => seen.Any(bytes => bytes.AsSpan().IndexOf(MemoryMarshal.AsBytes<float>([n, n, n])) >= 0));
        Assert.Equal(isSeen, plain >= 2);
        var samples = swarm.Messages.Select(m => ProtocolJson.Read<ControlMessage>(m.Payload, out _)).OfType<TaskCompleted>().SelectMany(c => c.Results).Where(r => r.Tag == "model_params").Select(r => r.Samples);
        Assert.Equal(isSeen ? [10, 20, 30, 40] : [1], samples.Distinct().Order());
    }

    private static async Task<float[]> Global(SwarmHarness swarm)
    {
        var blob = swarm.Messages.Select(m => ProtocolJson.Read<ControlMessage>(m.Payload, out _)).OfType<GlobalValue>().Last(g => g.Global.Tag == "global_model_params").Global.Content.Blob!;
        var chunk = swarm.Messages.Last(m => m.Topic.EndsWith($"{blob.Sha256}/0", StringComparison.Ordinal));
        using var weights = WeightsCodec.Decode(new ReadOnlySequence<byte>(chunk.Payload.ToArray()));
        return await Task.FromResult(weights[0].Span<float>().ToArray());
    }

    private static string Definition(string worker = "VectorWorker", int rounds = 1, int minimumNodes = 1, string extra = "", double quorum = 1) =>
        SwarmHarness.Definition(worker, rounds, minimumNodes, extra, quorum: quorum).Replace("VectorScheduler", "ThresholdScheduler", StringComparison.Ordinal);

    private static async Task<(SwarmState End, float[] Global, List<ControlMessage> Messages)> RunAsync(string definition, int nodes, int slots = 2)
    {
        var messages = new List<ControlMessage>();
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { ReplaysRetainedByWildcard = true } });
        await using var services = new ServiceCollection().BuildServiceProvider();
        float[] global = [];
        var folder = Directory.CreateTempSubdirectory("mantalight-secure-");
        try
        {
            var settings = new VirtualSwarmSettings
            {
                Swarm = "vectors", Definition = SwarmJson.Parse(Encoding.UTF8.GetBytes(definition)), Catalog = new TaskCatalog([typeof(SecureSwarmTests).Assembly]),
                Nodes = [.. Enumerable.Range(0, nodes).Select(n => new VirtualNode($"node_{n}", new NoData(), []))], Services = services, Slots = slots,
                Checkpoints = new CheckpointOptions { Folder = folder.FullName, Every = 1 },
            };
            SwarmValidator.Check(settings.Definition, settings.Catalog);
            await using var watcher = await broker.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, CancellationToken.None);
            await watcher.SubscribeAsync($"mantalight/{VirtualSwarmSettings.Cluster}/#", message =>
            {
                if (ProtocolJson.ReadOwn<ControlMessage>(message.Payload) is { } heard)
                    messages.Add(heard);
            }, CancellationToken.None);
            await using var swarm = new VirtualSwarm(settings, broker, NullLoggerFactory.Instance, TimeProvider.System);
            var end = await swarm.RunAsync(TestContext.Current.CancellationToken).WaitAsync(SwarmHarness.Patience, TestContext.Current.CancellationToken);
            await watcher.CloseAsync(CancellationToken.None);
            Assert.Empty(broker.HandlerFailures);
            if (Directory.EnumerateFiles(folder.FullName, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).LastOrDefault() is { } last && end.Status == RunStatus.Completed)
                global = (await Checkpoint.ReadAsync(last, TestContext.Current.CancellationToken)).Weights["global_model_params"][0].Span<float>().ToArray();
            return (end, global, messages);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private sealed class NoData : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}
