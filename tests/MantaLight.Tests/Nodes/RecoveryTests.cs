using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Nodes;

/// <summary>What nodes keep on their own disks, and what a swarm is rebuilt from when the broker has lost it.</summary>
public sealed class RecoveryTests
{
    [Fact]
    public async Task A_broker_that_has_lost_everything_is_given_it_again_and_the_run_goes_on()
    {
        var expected = await UndisturbedAsync();
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(Definition);
        await swarm.WaitAsync(s => s.Round >= 2);
        broker.GoDown(loseRetained: true);
        broker.ComeUp();
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(expected, Summary(end));
        Assert.Contains(swarm.Topics.Definition("vectors"), broker.Retained.Keys);
    }

    [Fact]
    public async Task All_nodes_and_the_broker_are_lost_at_once_and_the_swarm_goes_on_from_its_last_commit()
    {
        var expected = await UndisturbedAsync();
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(Definition);
        var before = await swarm.WaitAsync(s => s.Round >= 3);
        broker.GoDown(loseRetained: true);
        await Task.WhenAll(swarm.StopNodeAsync("node_0"), swarm.StopNodeAsync("node_1"));
        broker.ComeUp();
        await Task.WhenAll(swarm.AddNodeAsync("node_0"), swarm.AddNodeAsync("node_1"));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(before.Run, end.Run);
        Assert.Equal(expected, Summary(end));
    }

    [Fact]
    public async Task A_run_that_has_ended_is_put_back_with_its_globals()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2, minimumNodes: 2));
        var end = await swarm.WaitForEndAsync();
        var topics = swarm.Topics;
        string[] wanted =
        [
            topics.Definition("vectors"), topics.State("vectors"),
            .. end.Globals.Select(g => topics.Global("vectors", g.Tag)),
            .. end.Globals.Select(g => topics.SwarmBlob("vectors", g.Content.Blob!.Sha256, 0)),
        ];
        broker.GoDown(loseRetained: true);
        broker.ComeUp();
        await SwarmHarness.EventuallyAsync(() => wanted.All(broker.Retained.ContainsKey));
        Assert.Equal(Summary(end), Summary(await swarm.WaitAsync(s => s.Term > end.Term)));
    }

    [Fact]
    public async Task A_run_that_was_stopped_goes_on_from_its_last_commit_when_its_owner_resumes_it()
    {
        var expected = await UndisturbedAsync();
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(Definition);
        await swarm.WaitAsync(s => s.Round >= 3);
        await swarm.ControlAsync(SwarmAction.Stop);
        var stopped = await swarm.WaitAsync(s => s.Status == RunStatus.Stopped);
        await swarm.ControlAsync(SwarmAction.Resume);
        var end = await swarm.WaitAsync(s => s.Status == RunStatus.Completed);
        Assert.Equal(stopped.Start + 1, end.Start);
        Assert.Equal(expected, Summary(end));
    }

    private static string Definition { get; } = SwarmHarness.Definition(rounds: 6, minimumNodes: 2);

    private static async Task<string[]> UndisturbedAsync()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(Definition);
        return Summary(await swarm.WaitForEndAsync());
    }

    private static string[] Summary(SwarmState end) => [end.Status.ToString(), .. end.History.Select(h => $"{h.Round}: {h.Participants}, {h.GlobalSha256}")];
}
