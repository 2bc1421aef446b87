using System.Text;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Nodes;

/// <summary>Whole swarms on the simulated broker: no socket, no numeric library.</summary>
public sealed class WholeSwarmTests
{
    [Fact]
    public async Task Rounds_follow_each_other_until_the_scheduler_says_stop()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 20));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, "accuracy 1.00 reached 0.99"), (end.Status, end.Reason));
        // Each round adds (1*10 + 2*20) / 30 = 5/3; 0.99 of 10 is reached in round 6.
        Assert.Equal(6, end.Round);
        Assert.Equal([1, 2, 3, 4, 5, 6], end.History.Select(h => h.Round));
        Assert.All(end.History, h => Assert.Equal((2, 30L), (h.Participants, h.Samples)));
        Assert.Equal(5 / 3.0 / 10, end.History[0].Metrics["test_metrics.accuracy"], 6);
        Assert.Equal(6, end.History.Select(h => h.GlobalSha256).Distinct().Count());
        Assert.Equal("accuracy 0.17", end.History[0].Decision);
    }

    [Fact]
    public async Task The_last_round_that_the_definition_allows_ends_the_swarm()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, 2), (end.Status, end.Round));
        Assert.StartsWith("all 2 rounds done", end.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_broker_keeps_one_copy_of_a_global_for_all_who_read_it_and_none_of_a_contribution()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 4);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2, minimumNodes: 4).Replace("\"length\": 3", "\"length\": 300000", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        var global = Assert.Single(end.Globals, g => g.Tag == "global_model_params").Content.Blob!;
        Assert.True(global.ChunkCount > 1);
        var chunks = Enumerable.Range(0, global.ChunkCount).Select(i => swarm.Topics.SwarmBlob("vectors", global.Sha256, i)).Order(StringComparer.Ordinal).ToArray();
        // What came before it is cleared a little later.
        await SwarmHarness.EventuallyAsync(() => broker.Retained.Keys.Where(t => t.Contains("/blobs/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).SequenceEqual(chunks));
        Assert.Equal(global.Size, chunks.Sum(c => (long)broker.Retained[c].Length));
    }

    [Fact]
    public async Task The_same_definition_gives_the_same_bits_whoever_coordinates_and_whatever_arrives_first()
    {
        List<string[]> runs = [];
        for (var i = 0; i < 3; i++)
        {
            // Another cluster has another order of succession, other timings and other arrivals.
            await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 3);
            await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 3, minimumNodes: 3));
            runs.Add([.. (await swarm.WaitForEndAsync()).History.Select(h => h.GlobalSha256!)]);
        }
        Assert.Equal(3, runs[0].Length);
        Assert.Equal(runs[0], runs[1]);
        Assert.Equal(runs[0], runs[2]);
    }

    [Theory]
    [InlineData("PoisonedWorker", "NaN")]
    [InlineData("MisshapenWorker", "[3]")]
    public async Task A_contribution_that_does_not_fit_is_left_out_and_named(string worker, string reason)
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 3);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(worker, rounds: 1, minimumNodes: 3));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Completed, end.Status);
        var left = Assert.Single(end.History[0].LeftOut);
        Assert.Equal("node_1", left.Node);
        Assert.Contains(reason, left.Reason, StringComparison.Ordinal);
        // (1*10 + 3*30) / 40 = 2.5, without node_1's 2*20.
        Assert.Equal(0.25, end.History[0].Metrics["test_metrics.accuracy"], 6);
    }

    [Fact]
    public async Task A_task_that_throws_ends_the_swarm_with_its_words_when_every_node_is_needed()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("ThrowingWorker", minimumNodes: 2));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.Contains("node_1: InvalidOperationException: the disk of node_1 is upside down", end.Reason, StringComparison.Ordinal);
        var failures = swarm.Messages.Select(m => ProtocolJson.Read<TaskFailed>(m.Payload, out _)).OfType<TaskFailed>().ToArray();
        Assert.Equal([1, 2], failures.Select(f => int.Parse(f.Attempt[(f.Attempt.LastIndexOf('.') + 1)..])).Distinct().Order());
        Assert.Contains(failures[0].Frames, f => f.EndsWith("ThrowingWorker.RunAsync", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_attempt_beyond_its_deadline_is_given_up()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker", deadline: "00:00:01"));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.Contains("deadline of 00:00:01", end.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_task_on_several_nodes_may_not_set_globals()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("PresumptuousWorker", minimumNodes: 2));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.Contains("cannot set global 'mine'", end.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_invalid_definition_on_the_topic_is_answered_by_a_refusal_in_the_state()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition().Replace("[\"worker\"]", "[\"wrker\"]", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Refused, end.Status);
        Assert.Contains("wrker", end.Reason, StringComparison.Ordinal);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("NoSuchWorker"));
        end = await swarm.WaitAsync(s => s.Status.IsFinal() && s.Start > end.Start);
        Assert.Equal(RunStatus.Refused, end.Status);
        Assert.Contains("NoSuchWorker", end.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_set_that_no_node_has_is_refused_with_what_each_lacks()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition().Replace("\"method\": \"all\" },", "\"method\": \"all\", \"datasets\": [\"mnits\"] },", StringComparison.Ordinal));
        var waiting = await swarm.WaitAsync(s => s.Waiting is not null || s.Status.IsFinal());
        Assert.Contains("data set 'mnits' is not mapped", waiting.Waiting ?? waiting.Reason, StringComparison.Ordinal);
        var end = waiting.Status.IsFinal() ? waiting : await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Refused, end.Status);
        Assert.Contains("node_0: data set 'mnits' is not mapped", end.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_final_global_is_readable_from_retained_topics_when_every_node_has_gone()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2, minimumNodes: 2));
        var end = await swarm.WaitForEndAsync();
        await swarm.StopNodeAsync("node_0");
        await swarm.StopNodeAsync("node_1");
        var pointer = ProtocolJson.Read<GlobalValue>(new(broker.Retained[swarm.Topics.Global("vectors", "global_model_params")]), out _)!.Global.Content.Blob!;
        Assert.Equal(end.History[^1].GlobalSha256, pointer.Sha256);
        var bytes = Enumerable.Range(0, pointer.ChunkCount).SelectMany(i => broker.Retained[swarm.Topics.SwarmBlob("vectors", pointer.Sha256, i)].ToArray()).ToArray();
        Assert.Equal(pointer.Sha256, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)));
        using var weights = MantaLight.Weights.WeightsCodec.Decode(bytes);
        Assert.Equal(10 / 3f, weights[0].Span<float>()[0], 5);
    }

    [Fact]
    public async Task Old_globals_do_not_pile_up_on_the_broker()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 20));
        await swarm.WaitForEndAsync();
        // The goodbye comes after the clearing.
        await SwarmHarness.EventuallyAsync(
            () => ProtocolJson.Read<CoordinatorClaim>(new(broker.Retained[swarm.Topics.Coordinator("vectors")]), out _) is { Released: true });
        Assert.Single(broker.Retained.Keys, k => k.Contains("/blobs/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Presence_tells_names_and_sizes_and_the_goodbye_is_retained()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        var presence = ProtocolJson.Read<Presence>(new(broker.Retained[swarm.Topics.Presence("node_0")]), out _)!;
        Assert.Equal((NodeStatus.Online, "node_0"), (presence.Status, presence.From));
        Assert.Equal([SwarmHarness.Module], presence.Modules);
        await swarm.StopNodeAsync("node_0");
        presence = ProtocolJson.Read<Presence>(new(broker.Retained[swarm.Topics.Presence("node_0")]), out _)!;
        Assert.Equal(NodeStatus.Offline, presence.Status);
    }

    [Fact]
    public async Task The_later_of_two_nodes_with_one_id_is_refused_and_the_first_goes_on()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        var error = await Assert.ThrowsAsync<NodeIdTakenException>(() => swarm.AddNodeAsync("node_0"));
        Assert.Contains("node_0", error.Message, StringComparison.Ordinal);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        Assert.Equal(RunStatus.Completed, (await swarm.WaitForEndAsync()).Status);
    }

    [Fact]
    public async Task Garbage_on_every_topic_is_dropped_and_the_swarm_goes_on()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        var hash = new string('a', 64);
        string[] topics =
        [
            swarm.Topics.Presence("node_0"), swarm.Topics.Presence("ghost"), swarm.Topics.Inbox("node_0"), swarm.Topics.NodeBlob("node_0", hash, 3),
            swarm.Topics.State("vectors"), swarm.Topics.Coordinator("vectors"), swarm.Topics.Beat("vectors"), swarm.Topics.Lost("vectors"),
            swarm.Topics.Control("vectors"), swarm.Topics.Schedule("vectors", "node_0"), swarm.Topics.Tasks("vectors", "node_0"),
            swarm.Topics.Definition("other"), swarm.Topics.Prefix + "swarms/vectors/nonsense",
        ];
        string[] payloads =
        [
            "", "x", "null", "[]", "{}", "{\"type\":\"beat\"}", "{\"type\":\"state\",\"v\":99}", "{\"type\":\"schedule\",\"globals\":null}",
            "{\"type\":\"completed\",\"run\":\"\",\"from\":\"node_0\"}", "{\"type\":\"presence\",\"from\":\"node_1\",\"status\":\"online\"}",
            "{\"type\":\"cancel\",\"swarm\":\"a/b\"}", "{\"type\":\"blob_request\",\"hash\":\"../../etc/passwd\",\"chunk_size\":1024,\"chunks\":[0]}",
            "{\"type\":\"schedule\",\"term\":-5,\"alias\":\"worker\",\"attempt\":\"a\",\"threads\":0}", new string('[', 5000),
            "{\"type\":\"System.Diagnostics.Process\"}", new string('x', 900_000),
        ];
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 3, minimumNodes: 2));
        foreach (var topic in topics)
        {
            foreach (var payload in payloads)
                await swarm.Owner.PublishAsync(new OutboundMessage(topic, Encoding.UTF8.GetBytes(payload)), CancellationToken.None);
        }
        var end = await swarm.WaitAsync(s => s.Status.IsFinal() && s.Swarm == "vectors");
        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.DoesNotContain(swarm.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) && !line.Contains("is refused", StringComparison.Ordinal));
        // Each topic is complained of once.
        Assert.Single(swarm.Log.Lines, line => line.Contains($"{swarm.Topics.Inbox("node_0")} was dropped", StringComparison.Ordinal));
    }
}
