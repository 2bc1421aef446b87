using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Nodes;

/// <summary>Who coordinates can go at any time.</summary>
public sealed class SuccessionTests
{
    [Fact]
    public async Task When_the_coordinator_says_goodbye_another_node_goes_on_with_the_same_run()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 3);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 20, minimumNodes: 3, quorum: 0.5, deadline: "00:00:05"));
        var first = await swarm.WaitAsync(s => s.Round >= 2);
        await swarm.StopNodeAsync(first.From);
        var later = await swarm.WaitAsync(s => s.Term > first.Term);
        Assert.Equal(first.Run, later.Run);
        Assert.True(later.Round >= first.Round);
        Assert.NotEqual(first.From, later.From);
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.Equal(Enumerable.Range(1, end.Round), end.History.Select(h => h.Round));
    }

    [Fact]
    public async Task When_the_coordinator_connection_is_cut_its_holder_stands_down_and_the_term_grows()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 20, minimumNodes: 2));
        var first = await swarm.WaitAsync(s => s.Round >= 2);
        broker.Cut($"{swarm.Topics.Cluster}.vectors.coordinator");
        var later = await swarm.WaitAsync(s => s.Term > first.Term);
        Assert.Equal(first.Run, later.Run);
        Assert.Equal(RunStatus.Completed, (await swarm.WaitForEndAsync()).Status);
    }

    [Fact]
    public async Task The_will_of_a_coordinator_that_is_lost_calls_its_successor_long_before_the_silence_would()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 0);
        var never = TimeSpan.FromHours(1);
        await swarm.AddNodeAsync(swarm.Settings("node_0") with { Election = SwarmHarness.Quick with { Retry = never } });
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker"));
        var first = await swarm.WaitAsync(s => s.Round == 1);
        await swarm.AddNodeAsync(swarm.Settings("node_1") with { Election = SwarmHarness.Quick with { Beat = never } });
        broker.Cut($"{swarm.Topics.Cluster}.vectors.coordinator");
        var later = await swarm.WaitAsync(s => s.Term > first.Term);
        Assert.Equal(("node_1", first.Run), (later.From, later.Run));
    }

    [Fact]
    public async Task A_node_whose_connection_is_cut_comes_back_and_the_round_goes_on()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 20, minimumNodes: 2));
        await swarm.WaitAsync(s => s.Round >= 2);
        broker.Cut($"{swarm.Topics.Cluster}.node_1");
        Assert.Equal(RunStatus.Completed, (await swarm.WaitForEndAsync()).Status);
    }

    [Fact]
    public async Task The_broker_restarts_with_its_retained_messages_and_the_swarm_goes_on()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 20, minimumNodes: 2));
        var before = await swarm.WaitAsync(s => s.Round >= 3);
        broker.GoDown(loseRetained: false);
        broker.ComeUp();
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((before.Run, RunStatus.Completed), (end.Run, end.Status));
        Assert.Equal(before.History.Select(h => h.OverheadSeconds), end.History.Take(before.History.Length).Select(h => h.OverheadSeconds));
    }
}
