using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Simulation;
using MantaLight.Storage;
using MantaLight.Swarms;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Nodes;

/// <summary>What a node has not heard, since a full queue drops messages without a word, or obeys no more.</summary>
public sealed class MissedWordTests
{
    private readonly SimulatedBroker broker = new();
    private string? unheard;

    [Fact]
    public async Task A_definition_that_its_node_has_missed_is_the_one_that_a_coordinator_runs()
    {
        await using var swarm = await SwarmHarness.StartAsync(Deafening(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        await swarm.WaitForEndAsync();
        unheard = swarm.Topics.Definition("vectors");
        var second = SwarmHarness.Definition(rounds: 1, seed: 2);
        await swarm.PublishDefinitionAsync(second);
        await swarm.ControlAsync(SwarmAction.Start);
        var end = await swarm.WaitAsync(s => s.Start == 2 && s.Status.IsFinal());
        Assert.Equal((RunStatus.Completed, HashOf(second)), (end.Status, end.Definition));
        // The node knows it now: another start is the same definition's.
        await swarm.ControlAsync(SwarmAction.Start);
        Assert.Equal(HashOf(second), (await swarm.WaitAsync(s => s.Start == 3 && s.Status.IsFinal())).Definition);
    }

    [Fact]
    public async Task A_removal_that_its_node_has_missed_does_not_bring_the_swarm_back()
    {
        await using var swarm = await SwarmHarness.StartAsync(Deafening(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        var end = await swarm.WaitForEndAsync();
        unheard = swarm.Topics.Definition("vectors");
        await swarm.PublishDefinitionAsync("");
        // Another node has removed it.
        var tombstone = end with { Status = RunStatus.Removed, Term = end.Term + 1, From = "node_9", Globals = [], Tags = [], Retiring = [], Tasks = [], History = [] };
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.State("vectors"), ProtocolJson.Write(tombstone), retain: true), CancellationToken.None);
        // It takes the swarm for its own, finds out, and says so once.
        var found = await swarm.WaitAsync(s => s.From == "node_0" && s.Term > tombstone.Term && s.Status != RunStatus.Removing);
        Assert.Equal((RunStatus.Removed, end.Start), (found.Status, found.Start));
        await SwarmHarness.EventuallyAsync(() => !broker.Retained.ContainsKey(swarm.Topics.Coordinator("vectors")));
        Assert.DoesNotContain(swarm.Topics.Definition("vectors"), broker.Retained.Keys);
    }

    [Fact]
    public async Task An_end_that_a_node_does_not_obey_is_committed_again_under_its_own_term()
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 0);
        var definition = SwarmHarness.Definition(rounds: 1);
        await swarm.PublishDefinitionAsync(definition);
        // A rival of the same term, and of a name that counts for less, had ended the run while the node slept.
        var ended = new SwarmState
        {
            Swarm = "vectors", Definition = HashOf(definition), Run = new RunId(HashOf(definition), 1).ToString(), Start = 1, Round = 1, Term = 5,
            Status = RunStatus.Completed, From = "node_0", Incarnation = "rival", Id = "rival-1",
        };
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.State("vectors"), ProtocolJson.Write(ended), retain: true), CancellationToken.None);
        var settings = swarm.Settings("node_1");
        await using (var archive = new SwarmArchive(new FileDisk(settings.StateFolder), NullLogger.Instance))
            archive.KeepState("vectors", ended with { Status = RunStatus.Running, From = "node_1" });
        await swarm.AddNodeAsync(settings);
        var again = await swarm.WaitAsync(s => s.From == "node_1");
        Assert.Equal((RunStatus.Completed, 1, true), (again.Status, again.Start, again.Term > 5));
    }

    [Fact]
    public async Task A_task_is_cancelled_when_its_nodes_own_coordinator_finds_the_end_that_the_node_has_missed()
    {
        await using var swarm = await SwarmHarness.StartAsync(Deafening(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker"));
        await SwarmHarness.EventuallyAsync(() => swarm.Messages.Any(m => ProtocolJson.Read<TaskRunning>(m.Payload, out _) is { Alias: "worker" }));
        var running = await swarm.WaitAsync(s => s.Status == RunStatus.Running);
        unheard = swarm.Topics.State("vectors");
        // Another node takes over, ends the run, and leaves before it has cancelled anything.
        var claim = new CoordinatorClaim { Term = running.Term + 1, From = "node_9", Incarnation = "another", Id = "another-1" };
        await SayAsync(swarm.Topics.Coordinator("vectors"), claim);
        await SayAsync(unheard, running with { Status = RunStatus.Stopped, Term = claim.Term, From = claim.From, Incarnation = claim.Incarnation, Id = "another-2", Tasks = [] });
        await SayAsync(swarm.Topics.Coordinator("vectors"), claim with { Released = true, Id = "another-3" });
        await SwarmHarness.EventuallyAsync(() => swarm.Messages.Any(m => ProtocolJson.Read<TaskFailed>(m.Payload, out _) is { Alias: "worker" }));
        var failed = swarm.Messages.Select(m => ProtocolJson.Read<TaskFailed>(m.Payload, out _)).OfType<TaskFailed>().First();
        Assert.Equal($"run {running.Run} is Stopped in round 1", failed.Message);

        async Task SayAsync(string topic, ControlMessage message) =>
            await swarm.Owner.PublishAsync(new OutboundMessage(topic, ProtocolJson.Write(message), retain: true), CancellationToken.None);
    }

    private static string HashOf(string definition) => SwarmJson.HashOf(SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(definition)));

    /// <summary>The broker as the node hears it: with nothing of one topic, from the moment at which that is set.</summary>
    private BentBroker Deafening() => new(broker, (inner, profile) => profile.ClientId.EndsWith(".node_0", StringComparison.Ordinal) ? new Deaf(inner, () => unheard) : inner);

    private sealed class Deaf(IBrokerConnection inner, Func<string?> unheard) : PassingConnection(inner)
    {
        public override Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken) => base.SubscribeAsync(filter, message =>
        {
            if (message.Topic != unheard())
                handler(message);
        }, cancellationToken);
    }
}
