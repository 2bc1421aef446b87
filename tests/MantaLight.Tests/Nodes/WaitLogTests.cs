using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Nodes;

/// <summary>What a coordinator's log says of a run that waits.</summary>
public sealed class WaitLogTests
{
    [Fact]
    public async Task A_wait_is_logged_once_with_what_is_waited_for_as_the_state_has_it()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1, minimumNodes: 2));
        var waiting = await swarm.WaitAsync(s => s.Waiting is not null);
        Assert.Equal("task 'worker' has 1 of 2 nodes: node_0", waiting.Waiting);
        await swarm.AddNodeAsync("node_1");
        Assert.Equal(RunStatus.Completed, (await swarm.WaitForEndAsync()).Status);
        Assert.Single(swarm.Log.Lines, line => line.Contains($"Swarm vectors waits: {waiting.Waiting}", StringComparison.Ordinal));
    }
}
