using System.Text;
using MantaLight.Broker;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Protocol;
using MantaLight.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Swarms;

/// <summary>Whole swarms over real sockets, the same on every broker.</summary>
public abstract class SwarmOnBrokerTests
{
    /// <summary>What three rounds of the vector swarm on three nodes must give, on any broker and on any machine.</summary>
    private static readonly string[] Hashes = GoldenHashes();

    protected abstract IBroker Broker { get; }

    [Fact]
    public async Task A_swarm_runs_to_its_end_and_every_round_has_the_expected_bits()
    {
        await using var swarm = await SwarmHarness.StartAsync(Broker, nodes: 3);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 3, minimumNodes: 3));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.Equal(Hashes, end.History.Select(h => h.GlobalSha256));
    }

    [Fact]
    public async Task A_model_of_many_chunks_goes_round()
    {
        await using var swarm = await SwarmHarness.StartAsync(Broker, nodes: 2);
        // 800,000 float32: 13 chunks of 256 KiB each way.
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2, minimumNodes: 2).Replace("\"length\": 3", "\"length\": 800000", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.Equal(1 / 3.0, end.History[^1].Metrics["test_metrics.accuracy"], 5);
        // Up: each round a result and a global; the node that aggregates does not send its own result to itself.
        Assert.InRange(end.History[^1].BytesUp, 2 * 3_200_000, 4 * 3_200_000);
    }

    [Fact]
    public async Task The_coordinators_node_dies_and_the_run_goes_on()
    {
        await using var swarm = await SwarmHarness.StartAsync(Broker, nodes: 3);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 20, minimumNodes: 3, quorum: 0.5, deadline: "00:00:05"));
        var first = await swarm.WaitAsync(s => s.Round >= 2);
        await swarm.StopNodeAsync(first.From);
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, first.Run), (end.Status, end.Run));
        Assert.True(end.Term > first.Term);
    }

    [Fact]
    public async Task Garbage_from_strangers_is_dropped()
    {
        await using var swarm = await SwarmHarness.StartAsync(Broker, nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 3, minimumNodes: 2));
        foreach (var topic in new[] { swarm.Topics.Inbox("node_0"), swarm.Topics.State("vectors"), swarm.Topics.Schedule("vectors", "node_1"), swarm.Topics.Tasks("vectors", "node_0"), swarm.Topics.Coordinator("vectors") })
        {
            foreach (var payload in new[] { "x", "{}", "{\"type\":\"state\"}", new string('{', 3000), new string('x', 700_000) })
                await swarm.Owner.PublishAsync(new OutboundMessage(topic, Encoding.UTF8.GetBytes(payload)), CancellationToken.None);
        }
        Assert.Equal(RunStatus.Completed, (await swarm.WaitForEndAsync()).Status);
    }

    [Fact]
    public async Task The_later_of_two_nodes_with_one_id_is_refused_and_the_first_keeps_working()
    {
        await using var swarm = await SwarmHarness.StartAsync(Broker, nodes: 1);
        await Assert.ThrowsAsync<NodeIdTakenException>(() => swarm.AddNodeAsync("node_0"));
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        Assert.Equal(RunStatus.Completed, (await swarm.WaitForEndAsync()).Status);
    }

    // The definition's arithmetic, done here by hand: each round adds (1*10 + 2*20 + 3*30) / 60 to every element.
    private static string[] GoldenHashes()
    {
        var hashes = new List<string>();
        float[] global = [0, 0, 0];
        for (var round = 0; round < 3; round++)
        {
            global = [.. global.Select(v => (float)(((v + 1f) * 10.0 + (v + 2f) * 20.0 + (v + 3f) * 30.0) / 60.0))];
            using var weights = Vector.Of(global);
            var bytes = System.Buffers.BuffersExtensions.ToArray(MantaLight.Weights.WeightsCodec.Encode(weights));
            hashes.Add(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)));
        }
        return [.. hashes];
    }
}

public sealed class SwarmOnEmbeddedBrokerTests : SwarmOnBrokerTests, IAsyncLifetime
{
    private EmbeddedBroker? embedded;
    private MqttBroker? broker;

    protected override IBroker Broker => broker!;

    public async ValueTask InitializeAsync()
    {
        embedded = await EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0 }, NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);
        broker = new MqttBroker(new MqttBrokerOptions { Uri = embedded.Uri });
    }

    public async ValueTask DisposeAsync()
    {
        Assert.Equal(0, embedded!.Counters.Dropped);
        await embedded.DisposeAsync();
    }
}

public sealed class SwarmOnMosquittoTests(MosquittoFixture mosquitto) : SwarmOnBrokerTests, IClassFixture<MosquittoFixture>
{
    private MqttBroker? broker;

    protected override IBroker Broker => broker ??= new MqttBroker(new MqttBrokerOptions { Uri = mosquitto.Uri });
}
