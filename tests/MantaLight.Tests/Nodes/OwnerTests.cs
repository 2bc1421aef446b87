using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Nodes;

/// <summary>What an owner can do to a swarm.</summary>
public sealed class OwnerTests
{
    [Fact]
    public async Task Publishing_the_same_definition_again_changes_nothing_and_start_runs_it_again()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2, minimumNodes: 2));
        var first = await swarm.WaitForEndAsync();
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2, minimumNodes: 2) + "\n");
        await swarm.ControlAsync(SwarmAction.Start);
        var second = await swarm.WaitAsync(s => s.Status.IsFinal() && s.Start == 2);
        Assert.Equal((1, first.Definition), (first.Start, second.Definition));
        Assert.Equal(first.History.Select(h => h.GlobalSha256), second.History.Select(h => h.GlobalSha256));
    }

    [Fact]
    public async Task Stop_ends_the_run_and_cancels_its_attempts()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker"));
        await swarm.WaitAsync(s => s.Tasks.Any(t => t.Alias == "worker" && t.Phase == TaskPhase.Running));
        await swarm.ControlAsync(SwarmAction.Stop);
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Stopped, "stopped by its owner"), (end.Status, end.Reason));
    }

    [Fact]
    public async Task Pause_holds_the_next_task_and_resume_lets_it_go()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker", deadline: "00:00:02", quorum: 0.1));
        await swarm.WaitAsync(s => s.Tasks.Any(t => t.Alias == "worker" && t.Phase == TaskPhase.Running));
        await swarm.ControlAsync(SwarmAction.Pause);
        await swarm.WaitAsync(s => s.Status == RunStatus.Paused);
        await swarm.ControlAsync(SwarmAction.Resume);
        await swarm.WaitAsync(s => s.Status == RunStatus.Running);
    }

    [Fact]
    public async Task Another_definition_supersedes_the_run()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker"));
        await swarm.WaitAsync(s => s.Tasks.Any(t => t.Alias == "worker" && t.Phase == TaskPhase.Running));
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        Assert.Equal(RunStatus.Superseded, (await swarm.WaitForEndAsync()).Status);
        var end = await swarm.WaitAsync(s => s.Status.IsFinal() && s.Start == 2);
        Assert.Equal(RunStatus.Completed, end.Status);
    }

    [Fact]
    public async Task Removal_leaves_a_tombstone_and_nothing_else()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2));
        await swarm.WaitForEndAsync();
        await swarm.PublishDefinitionAsync("");
        await swarm.WaitAsync(s => s.Status == RunStatus.Removed);
        await SwarmHarness.EventuallyAsync(() => Left(broker, swarm).SequenceEqual([swarm.Topics.State("vectors")]));
    }

    [Fact]
    public async Task Removal_while_it_runs_ends_it()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker"));
        await swarm.WaitAsync(s => s.Tasks.Any(t => t.Alias == "worker" && t.Phase == TaskPhase.Running));
        await swarm.PublishDefinitionAsync("");
        await swarm.WaitAsync(s => s.Status == RunStatus.Removed);
        await SwarmHarness.EventuallyAsync(
            () => !broker.Retained.Keys.Any(k => k.Contains("/blobs/", StringComparison.Ordinal) || k.Contains("/globals/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_definition_published_while_the_seat_opens_is_the_one_that_runs()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker"));
        await swarm.WaitForClaimAsync();
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        Assert.Equal(RunStatus.Completed, (await swarm.WaitAsync(s => s.Status == RunStatus.Completed)).Status);
    }

    [Fact]
    public async Task A_definition_removed_while_the_seat_opens_does_not_run()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker"));
        await swarm.WaitForClaimAsync();
        await swarm.PublishDefinitionAsync("");
        await SwarmHarness.EventuallyAsync(() => Claim(broker, swarm) is { Released: true });
        Assert.True(!broker.Retained.TryGetValue(swarm.Topics.State("vectors"), out var state)
            || ProtocolJson.Read<SwarmState>(new(state), out _) is { Status: RunStatus.Removed });
    }

    [Fact]
    public async Task A_stop_before_anybody_acts_is_not_lost()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker"));
        await swarm.WaitForClaimAsync();
        await swarm.ControlAsync(SwarmAction.Stop);
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Stopped, "stopped by its owner", 1), (end.Status, end.Reason, end.Start));
    }

    [Fact]
    public async Task Start_and_term_go_on_from_the_tombstone_where_the_id_is_used_again_by_nodes_that_remember_nothing()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        await swarm.WaitForEndAsync();
        await swarm.PublishDefinitionAsync("");
        var tombstone = await swarm.WaitAsync(s => s.Status == RunStatus.Removed);
        await swarm.StopNodeAsync("node_0");
        await swarm.AddNodeAsync("node_1");
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        var end = await swarm.WaitAsync(s => s.Start == 2 && s.Status.IsFinal());
        Assert.Equal((RunStatus.Completed, tombstone.Term + 1), (end.Status, end.Term));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_claim_that_somebody_has_left_is_taken_away_and_its_term_counts(bool besideTombstone)
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        if (besideTombstone)
        {
            await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
            await swarm.WaitForEndAsync();
            await swarm.PublishDefinitionAsync("");
            await swarm.WaitAsync(s => s.Status == RunStatus.Removed);
            await SwarmHarness.EventuallyAsync(() => Claim(broker, swarm) is null);
            // The broker has lost that these were removed.
            foreach (var topic in (string[])[swarm.Topics.Global("vectors", "length"), swarm.Topics.SwarmBlob("vectors", new string('a', 64), 0)])
                await swarm.Owner.PublishAsync(new OutboundMessage(topic, new byte[10], retain: true), CancellationToken.None);
        }
        // Whoever had it was killed before it could act.
        var left = new CoordinatorClaim { From = "node_9", Incarnation = "i", Term = 40 };
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.Coordinator("vectors"), ProtocolJson.Write(left), retain: true), CancellationToken.None);
        var tombstone = await swarm.WaitAsync(s => s.Status == RunStatus.Removed && s.Term == 41);
        await SwarmHarness.EventuallyAsync(() => Left(broker, swarm).SequenceEqual([swarm.Topics.State("vectors")]));
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        var end = await swarm.WaitAsync(s => s.Start > tombstone.Start && s.Status.IsFinal());
        Assert.Equal((RunStatus.Completed, 42), (end.Status, end.Term));
    }

    [Fact]
    public async Task A_removal_that_the_broker_has_lost_is_done_again_with_what_members_remember_where_it_does_not_tell_what_it_retains()
    {
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { MaximumPacketSize = 1 << 20, ReplaysRetainedByWildcard = false } });
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        var end = await swarm.WaitForEndAsync();
        await swarm.PublishDefinitionAsync("");
        var removed = await swarm.WaitAsync(s => s.Status == RunStatus.Removed);
        await SwarmHarness.EventuallyAsync(() => Claim(broker, swarm) is null);
        // It is as before, but for what it has lost besides; and somebody has not heard of the removal.
        var blob = end.Globals[0].Content.Blob!;
        foreach (var topic in (string[])[swarm.Topics.Global("vectors", end.Globals[0].Tag), swarm.Topics.SwarmBlob("vectors", blob.Sha256, 0)])
            await swarm.Owner.PublishAsync(new OutboundMessage(topic, new byte[10], retain: true), CancellationToken.None);
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.State("vectors"), ReadOnlyMemory<byte>.Empty, retain: true), CancellationToken.None);
        await using var ghost = await new GhostMember(swarm, "node_9", new Recollection { State = end }).ComeAsync();
        // Whoever has done it may have forgotten it by now, as nothing was left.
        await using var witness = await new GhostMember(swarm, "node_7", new Recollection { State = removed }).ComeAsync();
        var left = new CoordinatorClaim { From = "node_8", Incarnation = "i", Term = 40 };
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.Coordinator("vectors"), ProtocolJson.Write(left), retain: true), CancellationToken.None);
        await swarm.WaitAsync(s => s.Status == RunStatus.Removed && s.Term == 41);
        await SwarmHarness.EventuallyAsync(() => Left(broker, swarm).SequenceEqual([swarm.Topics.State("vectors")]));
    }

    [Fact]
    public async Task A_definition_that_is_lost_everywhere_can_be_removed()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        await swarm.WaitForEndAsync();
        await swarm.StopNodeAsync("node_0");
        // While nobody is there.
        await swarm.PublishDefinitionAsync("");
        await swarm.AddNodeAsync("newcomer");
        await SwarmHarness.EventuallyAsync(() => swarm.Messages.Any(m => m.Topic == swarm.Topics.Presence("newcomer")));
        await swarm.PublishDefinitionAsync("");
        await swarm.WaitAsync(s => s.Status == RunStatus.Removed);
        Assert.DoesNotContain(broker.Retained.Keys, t => t.Contains("/globals/", StringComparison.Ordinal) || t.Contains("/blobs/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_node_that_was_cut_off_during_the_removal_does_not_bring_the_swarm_back()
    {
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { ReconnectPause = TimeSpan.FromSeconds(3) });
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1, minimumNodes: 2));
        var end = await swarm.WaitForEndAsync();
        // Whoever coordinated is cut off only after it has left, so that the other one removes.
        await SwarmHarness.EventuallyAsync(() => Claim(broker, swarm) is { Released: true });
        var others = swarm.Messages.Count(IsPresence);
        broker.Cut($"{swarm.Topics.Cluster}.{end.From}");
        await swarm.PublishDefinitionAsync("");
        await swarm.WaitAsync(s => s.Status == RunStatus.Removed);
        await SwarmHarness.EventuallyAsync(() => swarm.Messages.Count(IsPresence) > others);
        // More than an election takes.
        await Task.Delay(2000);
        var states = swarm.Messages.Select(m => ProtocolJson.Read<SwarmState>(m.Payload, out _)).OfType<SwarmState>().ToArray();
        Assert.Equal((RunStatus.Removed, 1), (states[^1].Status, states[^1].Start));

        bool IsPresence(BrokerMessage m) => m.Topic == swarm.Topics.Presence(end.From) && ProtocolJson.Read<Presence>(m.Payload, out _) is { Status: NodeStatus.Online };
    }

    private static IEnumerable<string> Left(SimulatedBroker broker, SwarmHarness swarm) =>
        broker.Retained.Keys.Where(k => k.StartsWith(swarm.Topics.Definition("vectors"), StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static CoordinatorClaim? Claim(SimulatedBroker broker, SwarmHarness swarm) =>
        broker.Retained.TryGetValue(swarm.Topics.Coordinator("vectors"), out var claim) ? ProtocolJson.Read<CoordinatorClaim>(new(claim), out _) : null;
}
