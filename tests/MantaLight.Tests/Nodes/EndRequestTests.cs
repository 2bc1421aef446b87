using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tasks;

namespace MantaLight.Tests.Nodes;

/// <summary>Several tasks of a round that ask for what comes next.</summary>
public sealed class EndRequestTests
{
    [Theory]
    [InlineData("a_first")]
    [InlineData("z_last")]
    public async Task Who_asks_for_the_end_is_heard_whatever_others_ask_for_and_whatever_it_is_called(string alias)
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 9).Replace(
            "{ \"alias\": \"test\"", $"{{ \"alias\": \"{alias}\", \"type\": \"Ender\", \"after\": [\"aggregator\"] }}, {{ \"alias\": \"test\"", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, 2, "enough is enough"), (end.Status, end.Round, end.Reason));
    }
}

/// <summary>Asks for the end in round 2.</summary>
public sealed class Ender : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        if (Context.Round == 2)
            World.StopSwarm("enough is enough");
        return Task.CompletedTask;
    }
}
