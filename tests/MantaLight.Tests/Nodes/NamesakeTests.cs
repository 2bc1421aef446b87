using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Nodes;

/// <summary>What a new process asks before it takes its node's id.</summary>
public sealed class NamesakeTests
{
    private readonly SimulatedBroker broker = new();

    [Fact]
    public async Task Of_a_dead_one_whose_will_comes_meanwhile_nobody_waits_for_an_answer()
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 0);
        var settings = swarm.Settings("node_0") with { NamesakePatience = TimeSpan.FromMinutes(10) };
        await PublishAsync(swarm, NodeStatus.Online, "dead");
        await using var asked = await swarm.Owner.SubscribeAsync(swarm.Topics.Inbox("node_0"), _ => Task.Run(async () =>
        {
            // Of one before: that says nothing of this one.
            await PublishAsync(swarm, NodeStatus.Offline, "older");
            await PublishAsync(swarm, NodeStatus.Offline, "dead");
        }), CancellationToken.None);
        await Namesake.RefuseIfAliveAsync(broker, settings, new MessageStamp("node_0", "new", TimeProvider.System), CancellationToken.None).WaitAsync(SwarmHarness.Patience);
    }

    [Fact]
    public async Task A_live_one_answers_and_keeps_its_id_whatever_is_said_of_one_before_it()
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await using var asked = await swarm.Owner.SubscribeAsync(
            swarm.Topics.Inbox("node_0"), _ => Task.Run(() => PublishAsync(swarm, NodeStatus.Offline, "older")), CancellationToken.None);
        await Assert.ThrowsAsync<NodeIdTakenException>(() => Namesake.RefuseIfAliveAsync(
            broker, swarm.Settings("node_0"), new MessageStamp("node_0", "new", TimeProvider.System), CancellationToken.None).WaitAsync(SwarmHarness.Patience));
    }

    private static Task PublishAsync(SwarmHarness swarm, NodeStatus status, string incarnation) => swarm.Owner.PublishAsync(
        new OutboundMessage(swarm.Topics.Presence("node_0"), ProtocolJson.Write(new Presence { From = "node_0", Incarnation = incarnation, Id = $"{incarnation}-{status}", Status = status }), retain: true),
        CancellationToken.None).AsTask();
}
