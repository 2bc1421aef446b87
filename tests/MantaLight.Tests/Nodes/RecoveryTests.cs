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
        var before = await swarm.WaitAsync(s => s.Round >= 3);
        broker.GoDown(loseRetained: true);
        broker.ComeUp();
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(expected, Summary(end));
        Assert.Equal(Done(before), Done(end).Take(before.History.Length));
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
        Assert.Equal(Done(before), Done(end).Take(before.History.Length));
    }

    [Fact]
    public async Task Nodes_that_were_shut_down_and_come_back_one_by_one_go_on_when_enough_are_there_whatever_the_deadline()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        // Never done with its third round.
        await swarm.AddNodeAsync(swarm.Settings("node_2") with { BeforeAttempt = (round, _, stop) => round < 3 ? Task.CompletedTask : Task.Delay(Timeout.Infinite, stop) });
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 4, minimumNodes: 3, deadline: "00:00:03"));
        var before = await swarm.WaitAsync(s => s.Round == 3);
        await Task.WhenAll(swarm.StopNodeAsync("node_0"), swarm.StopNodeAsync("node_1"), swarm.StopNodeAsync("node_2"));
        await swarm.AddNodeAsync("node_1");
        await swarm.WaitAsync(s => s.Term > before.Term && s.Waiting?.EndsWith("node_0, node_2 are not there yet", StringComparison.Ordinal) == true);
        await swarm.AddNodeAsync("node_0");
        await swarm.WaitAsync(s => s.Waiting?.EndsWith("node_2 is not there yet", StringComparison.Ordinal) == true);
        await swarm.AddNodeAsync("node_2");
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((before.Run, RunStatus.Completed, 4), (end.Run, end.Status, end.Round));
        Assert.Equal(Done(before), Done(end).Take(before.History.Length));
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
        Assert.Equal(Summary(end), Summary(await swarm.WaitAsync(s => s.Term > end.Term)));
        // The state came last: who hears it, and not the rest, would take it for all that there is.
        Assert.All(wanted, topic => Assert.Contains(topic, broker.Retained.Keys));
    }

    [Fact]
    public async Task A_run_that_is_done_while_the_broker_loses_everything_ends_with_its_globals_there()
    {
        var broker = new SimulatedBroker();
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 0);
        foreach (var node in (string[])["node_0", "node_1"])
        {
            await swarm.AddNodeAsync(swarm.Settings(node) with
            {
                BeforeAttempt = (round, alias, stop) => round == 2 && alias == "scheduler" ? lost.Task.WaitAsync(stop) : Task.CompletedTask,
            });
        }
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2, minimumNodes: 2));
        await swarm.WaitAsync(s => s.Round == 2 && s.Tasks.Any(t => t is { Alias: "scheduler", Phase: TaskPhase.Running }));
        broker.GoDown(loseRetained: true);
        lost.SetResult();
        broker.ComeUp();
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.All(end.Globals, g => Assert.Contains(swarm.Topics.SwarmBlob("vectors", g.Content.Blob!.Sha256, 0), broker.Retained.Keys));
    }

    [Fact]
    public async Task A_run_that_is_stopped_while_nobody_has_its_global_ends_with_it_there_where_who_has_it_comes_back_meanwhile()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 3);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 20, minimumNodes: 3));
        await swarm.WaitAsync(s => s.Round >= 3);
        broker.GoDown(loseRetained: true);
        await Task.WhenAll(swarm.StopNodeAsync("node_0"), swarm.StopNodeAsync("node_1"), swarm.StopNodeAsync("node_2"));
        foreach (var node in (string[])["node_0", "node_1"])
            Directory.Delete(Path.Combine(swarm.Settings(node).StateFolder, "blobs"), recursive: true);
        broker.ComeUp();
        await Task.WhenAll(swarm.AddNodeAsync("node_0"), swarm.AddNodeAsync("node_1"));
        await swarm.WaitAsync(s => s.Waiting?.Contains("is lost unless a node that has it comes back", StringComparison.Ordinal) == true);
        await swarm.ControlAsync(SwarmAction.Stop);
        await swarm.AddNodeAsync("node_2");
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Stopped, end.Status);
        Assert.All(end.Globals, g => Assert.Contains(swarm.Topics.SwarmBlob("vectors", g.Content.Blob!.Sha256, 0), broker.Retained.Keys));
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

    /// <summary>What a run that began anew would not have again.</summary>
    private static IEnumerable<(int, double, double, long)> Done(SwarmState state) => state.History.Select(h => (h.Round, h.TrainSeconds, h.OverheadSeconds, h.BytesUp));

    private static string[] Summary(SwarmState end) => [end.Status.ToString(), .. end.History.Select(h => $"{h.Round}: {h.Participants}, {h.GlobalSha256}")];
}
