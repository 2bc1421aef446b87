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
    }
}
