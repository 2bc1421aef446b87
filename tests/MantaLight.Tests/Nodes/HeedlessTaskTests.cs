using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tasks;

namespace MantaLight.Tests.Nodes;

/// <summary>A task that holds its thread and never looks at its token, until the test lets it go.</summary>
public sealed class HeedlessWorker : SwarmTask
{
    public static ManualResetEventSlim Released { get; } = new();

    public static CountdownEvent Ended { get; } = new(1);

    public override Task RunAsync(CancellationToken cancellationToken)
    {
        Released.Wait(CancellationToken.None);
        try
        {
            World.Results.Add("late", 1);
            return Task.CompletedTask;
        }
        finally
        {
            Ended.Signal();
        }
    }
}

/// <summary>No task of a user's can take a node from the others.</summary>
public sealed class HeedlessTaskTests
{
    [Fact]
    public async Task A_node_goes_on_without_a_task_that_does_not_heed_its_token()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        // One place: whoever has it for good has the node.
        await swarm.AddNodeAsync(swarm.Settings("node_0") with { Concurrency = 1 });
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("HeedlessWorker", deadline: "00:00:01").Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.Contains("the deadline of 00:00:01 passed", end.Reason, StringComparison.Ordinal);

        await CompletesAsync("others");
        Assert.Single(swarm.Log.Lines, line => line.Contains("does not heed its CancellationToken", StringComparison.Ordinal));

        // What it does when it is over has no effect.
        HeedlessWorker.Released.Set();
        Assert.True(HeedlessWorker.Ended.Wait(SwarmHarness.Patience, TestContext.Current.CancellationToken));
        await CompletesAsync("last");
        Assert.DoesNotContain(swarm.Messages, m => m.Topic == swarm.Topics.Tasks("vectors", "node_0") && ProtocolJson.Read<TaskCompleted>(m.Payload, out _) is { Alias: "worker" });

        async Task CompletesAsync(string name)
        {
            await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1).Replace("\"vectors\"", $"\"{name}\"", StringComparison.Ordinal), name);
            Assert.Equal(RunStatus.Completed, (await swarm.WaitAsync(s => s.Swarm == name && s.Status.IsFinal())).Status);
        }
    }
}
