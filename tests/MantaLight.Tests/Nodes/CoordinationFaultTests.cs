using System.Text;
using System.Text.RegularExpressions;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Simulation;
using MantaLight.Tasks;

namespace MantaLight.Tests.Nodes;

/// <summary>What a coordinator meets that no run can be led through, or that only looks so.</summary>
public sealed partial class CoordinationFaultTests
{
    [Fact]
    public async Task A_run_whose_messages_the_broker_refuses_ends_as_failed_and_is_not_tried_again()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        // Twice as many bytes once each letter is escaped in the coordinator's own messages: more than a packet.
        var large = SwarmHarness.Definition().Replace("\"length\": 3", $"\"length\": 3, \"text\": \"{new string('é', 250_000)}\"", StringComparison.Ordinal);
        await swarm.PublishDefinitionAsync(large);
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Failed, 1), (end.Status, end.Start));
        Assert.Contains("takes 1048576 at most", end.Reason, StringComparison.Ordinal);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        end = await swarm.WaitAsync(s => s.Status.IsFinal());
        Assert.Equal((RunStatus.Completed, 2), (end.Status, end.Start));
    }

    [Fact]
    public async Task A_retained_state_that_cannot_be_read_is_taken_for_none()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.State("vectors"), Encoding.UTF8.GetBytes("{\"type\":\"state\",\"v\":9}"), retain: true), CancellationToken.None);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        Assert.Equal(RunStatus.Completed, (await swarm.WaitForEndAsync()).Status);
    }

    [Fact]
    public async Task A_run_whose_state_the_broker_has_lost_goes_on_from_what_the_node_knows()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 20));
        var before = await swarm.WaitAsync(s => s.Round >= 2);
        broker.GoDown(loseRetained: true);
        broker.ComeUp();
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((before.Run, RunStatus.Completed), (end.Run, end.Status));
        Assert.Equal(Enumerable.Range(1, end.Round), end.History.Select(h => h.Round));
        Assert.Equal(before.History.Select(Measured), end.History.Take(before.History.Length).Select(Measured));

        // A run that began anew would not measure the same again.
        static (int, double, long) Measured(RoundSummary round) => (round.Round, round.OverheadSeconds, round.BytesUp);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    public async Task A_claim_of_a_term_that_nobody_can_outbid_is_dropped(long term)
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        var forged = ProtocolJson.Write(new CoordinatorClaim { From = "ghost", Incarnation = "i", Term = term });
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.Coordinator("vectors"), forged, retain: true), CancellationToken.None);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, 1), (end.Status, end.Term));
    }

    [Fact]
    public async Task A_node_with_another_version_of_the_module_leaves_the_run_to_the_others()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.AddNodeAsync(OldModule(swarm.Settings("node_8")));
        await swarm.AddNodeAsync(OldModule(swarm.Settings("node_9")));
        var definition = Type().Replace(SwarmHarness.Definition(rounds: 2), "$0, \"excepted_ids\": [\"node_8\", \"node_9\"]")
            .Replace("\"setup\": \"FirstVector\"", "\"setup\": { \"type\": \"FirstVector\", \"excepted_ids\": [\"node_8\", \"node_9\"] }", StringComparison.Ordinal);
        await swarm.PublishDefinitionAsync(definition);
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, 1, "node_0"), (end.Status, end.Start, end.From));
        // Longer than those two hold back.
        await Task.Delay(4000);
        Assert.Equal(1, swarm.Messages.Select(m => ProtocolJson.Read<SwarmState>(m.Payload, out _)).OfType<SwarmState>().Max(s => s.Start));
    }

    [Fact]
    public async Task What_any_node_can_do_is_done_by_one_whose_module_has_it()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        foreach (var node in (string[])["node_6", "node_7", "node_8", "node_9"])
            await swarm.AddNodeAsync(OldModule(swarm.Settings(node)));
        var definition = All().Replace(SwarmHarness.Definition(rounds: 4), "$0, \"excepted_ids\": [\"node_6\", \"node_7\", \"node_8\", \"node_9\"]");
        await swarm.PublishDefinitionAsync(definition);
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, 4), (end.Status, end.Round));
        // Of twelve tasks and the setup some had met a node that could not.
        Assert.Contains(swarm.Messages, m => ProtocolJson.Read<TaskFailed>(m.Payload, out _) is { Error: "ModuleException", Local: true });
    }

    [Fact]
    public async Task A_broker_that_refuses_a_commit_for_a_while_does_not_end_the_run()
    {
        var refusals = 0;
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(new BentBroker(broker, (inner, profile) => new Strict(inner, topic =>
            profile.ClientId.EndsWith(".coordinator", StringComparison.Ordinal) && topic.EndsWith("/state", StringComparison.Ordinal) && Interlocked.Increment(ref refusals) is 3 or 4)), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, 1, 2), (end.Status, end.Start, end.Round));
        Assert.InRange(refusals, 5, int.MaxValue);
    }

    [Fact]
    public async Task A_definition_that_fits_no_nodes_module_is_refused_by_one_of_them()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        await swarm.AddNodeAsync(OldModule(swarm.Settings("node_8")));
        await swarm.AddNodeAsync(OldModule(swarm.Settings("node_9")));
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition());
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Refused, 1), (end.Status, end.Start));
        Assert.Contains("VectorWorker", end.Reason, StringComparison.Ordinal);
    }

    private static MantaLight.Nodes.NodeSettings OldModule(MantaLight.Nodes.NodeSettings settings) =>
        settings with { Modules = settings.Modules.SetItem(SwarmHarness.Module, new TaskCatalog([])) };

    [GeneratedRegex("\"method\": \"all\"")]
    private static partial Regex All();

    [GeneratedRegex("\"type\": \"[A-Za-z]+\"")]
    private static partial Regex Type();

    private sealed class Strict(IBrokerConnection inner, Func<string, bool> refuses) : PassingConnection(inner)
    {
        public override ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken) => refuses(message.Topic)
            ? ValueTask.FromException(new BrokerRefusedException("Quota exceeded."))
            : base.PublishAsync(message, cancellationToken);
    }
}
