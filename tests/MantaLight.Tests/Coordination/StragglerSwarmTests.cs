using System.Collections.Concurrent;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tasks;

namespace MantaLight.Tests.Coordination;

/// <summary>Stragglers in whole swarms: nodes, broker and coordinator.</summary>
public sealed class StragglerSwarmTests
{
    [Fact]
    public async Task A_node_that_fails_in_two_rounds_is_left_out_of_the_third_and_back_in_the_fourth()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 3);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(nameof(FailsInTwoRounds), rounds: 4, minimumNodes: 3, quorum: 0.5)
            .Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal));
        var final = await swarm.WaitForEndAsync();
        Assert.Equal([2, 2, 2, 3], final.History.Select(r => r.Participants));
        Assert.StartsWith("left out until round 3", Assert.Single(final.History[2].LeftOut).Reason, StringComparison.Ordinal);
        Assert.Empty(final.LeftOut);
    }

    [Fact]
    public async Task A_round_that_waits_is_done_with_everybody_when_the_last_one_has_made_it()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(nameof(FailsTwice), rounds: 2, minimumNodes: 2, deadline: "00:00:01")
            .Replace("\"retries\": 1", "\"retries\": 0, \"on_shortfall\": \"wait\"", StringComparison.Ordinal));
        var final = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Completed, final.Status);
        Assert.Equal([2, 2], final.History.Select(r => r.Participants));
    }

    [Fact]
    public async Task A_round_that_is_skipped_leaves_the_global_as_it_was_and_the_run_goes_on()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(nameof(FailsInTwoRounds), rounds: 3, minimumNodes: 2)
            .Replace("\"retries\": 1", "\"retries\": 0, \"leave_out_after\": 0, \"on_shortfall\": \"skip\"", StringComparison.Ordinal));
        var final = await swarm.WaitForEndAsync();
        Assert.Equal([true, true, false], final.History.Select(r => r.Skipped is not null));
        // The setup's, and the third round's.
        Assert.Equal((2, 3), (final.Globals.Single(g => g.Tag == "global_model_params").Version, final.Globals.Single(g => g.Tag == "global_model_params").Round));
    }
}

/// <summary>On node_1, a worker that throws in the first two rounds.</summary>
public sealed class FailsInTwoRounds : VectorWorker
{
    public override Task RunAsync(CancellationToken cancellationToken) => Context.Node == "node_1" && Context.Round <= 2
        ? throw new InvalidOperationException("not yet")
        : base.RunAsync(cancellationToken);
}

/// <summary>On node_1, a worker that throws when it is run for the first two times with a seed.</summary>
public sealed class FailsTwice : VectorWorker
{
    private static readonly ConcurrentDictionary<(string, int), int> Runs = new();

    public override Task RunAsync(CancellationToken cancellationToken) =>
        Context is { Node: "node_1", Round: 1 } && Runs.AddOrUpdate((Context.Swarm, Context.Round), 1, (_, runs) => runs + 1) <= 2
            ? throw new InvalidOperationException("not yet")
            : base.RunAsync(cancellationToken);
}
