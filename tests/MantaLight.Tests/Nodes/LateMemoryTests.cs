using System.Collections.Concurrent;
using System.Text;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using MantaLight.Swarms;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Nodes;

/// <summary>On a broker that has lost everything, members remember different things, and do not come at once.</summary>
public sealed class LateMemoryTests
{
    private static readonly string First = SwarmHarness.Definition(rounds: 1);
    private static readonly string Second = SwarmHarness.Definition(rounds: 1, seed: 2);

    [Fact]
    public async Task Who_comes_while_members_are_asked_is_asked_too()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        var late = new GhostMember(swarm, "node_9", new Recollection { State = State(First, 1, RunStatus.Running, round: 5) });
        // The one says nothing, and the other comes when the one is asked.
        await using var silent = await new GhostMember(swarm, "node_8", null, () => _ = late.ComeAsync()).ComeAsync();
        await StartAsync(swarm, "node_0", First, null);
        var begun = await swarm.WaitAsync(s => s.From == "node_0");
        Assert.Equal((1, 5), (begun.Start, begun.Round));
    }

    [Fact]
    public async Task A_later_definition_that_a_member_has_kept_is_put_back_and_run_by_a_node_that_had_not_heard_of_it()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        await using var ghost = await new GhostMember(swarm, "node_9", new Recollection { Definition = Second, State = State(Second, 2, RunStatus.Starting) }).ComeAsync();
        await StartAsync(swarm, "node_0", First, null);
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, HashOf(Second), 2), (end.Status, end.Definition, end.Start));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(true, 9)]
    public async Task Starts_are_counted_on_from_the_highest_that_any_member_remembers(bool hasEnded, int term)
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: hasEnded ? 1 : 1000));
        await swarm.WaitAsync(s => hasEnded ? s.Status.IsFinal() : s.Round >= 2);
        if (!hasEnded)
            await swarm.ControlAsync(SwarmAction.Pause);
        // Runs of another definition had been counted up to 7; whatever the authority of that, the one that stands is not run anew.
        await StartAsync(swarm, "node_1", null, State(Second, 7, RunStatus.Running, round: 3) with { Term = term });
        var told = await swarm.WaitAsync(s => s.Counted == 7);
        Assert.Equal((1, hasEnded), (told.Start, told.Status.IsFinal()));
        if (!hasEnded)
        {
            await swarm.ControlAsync(SwarmAction.Stop);
            await swarm.WaitAsync(s => s.Status == RunStatus.Stopped);
        }
        await swarm.ControlAsync(SwarmAction.Start);
        var next = await swarm.WaitAsync(s => s.Start > 1);
        Assert.Equal((8, 0), (next.Start, next.Counted));
    }

    [Fact]
    public async Task A_removal_that_a_node_was_to_finish_leaves_what_its_owner_has_published_since()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        await using var ghost = await new GhostMember(swarm, "node_9", new Recollection { Definition = Second, State = State(Second, 2, RunStatus.Starting) }).ComeAsync();
        await StartAsync(swarm, "node_0", First, State(First, 1, RunStatus.Removing));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, HashOf(Second), 2), (end.Status, end.Definition, end.Start));
    }

    [Fact]
    public Task A_claim_alone_buries_no_run_that_a_member_remembers() => ClaimAloneAsync(new Recollection { Definition = First, State = State(First, 1, RunStatus.Completed, round: 1) });

    [Fact]
    public Task Nor_a_definition_that_nobody_had_begun() => ClaimAloneAsync(new Recollection { Definition = First });

    [Fact]
    public Task Nor_one_that_was_published_since_the_run_that_the_member_remembers() => ClaimAloneAsync(new Recollection { Definition = First, State = State(Second, 3, RunStatus.Completed, round: 1) }, start: 4);

    private static async Task ClaimAloneAsync(Recollection kept, int start = 1)
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await using var ghost = await new GhostMember(swarm, "node_9", kept).ComeAsync();
        // The broker has lost the rest, and whoever was to put it back was killed.
        var left = new CoordinatorClaim { From = "node_8", Incarnation = "i", Term = 40 };
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.Coordinator("vectors"), ProtocolJson.Write(left), retain: true), CancellationToken.None);
        var end = await swarm.WaitAsync(s => s.Term > left.Term && s.Status.IsFinal() && s.Status != RunStatus.Superseded);
        Assert.Equal((RunStatus.Completed, HashOf(First), start, 1), (end.Status, end.Definition, end.Start, end.Round));
        Assert.Contains(swarm.Topics.Definition("vectors"), broker.Retained.Keys);
    }

    [Fact]
    public async Task A_removal_that_a_member_remembers_is_finished_by_a_node_that_was_away()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 0);
        await using var ghost = await new GhostMember(swarm, "node_9", new Recollection { State = State(First, 1, RunStatus.Removing) }).ComeAsync();
        await StartAsync(swarm, "node_0", First, State(First, 1, RunStatus.Running, round: 3));
        Assert.Equal(1, (await swarm.WaitAsync(s => s.Status == RunStatus.Removed)).Start);
        Assert.DoesNotContain(swarm.Topics.Definition("vectors"), broker.Retained.Keys);
    }

    [Fact]
    public async Task A_definition_that_its_owner_has_removed_is_not_told_any_more()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        // Never elected: it is asked while the removal waits for somebody to do it.
        await swarm.AddNodeAsync(swarm.Settings("node_0") with { Election = SwarmHarness.Quick with { First = TimeSpan.FromHours(1) } });
        await swarm.PublishDefinitionAsync(First);
        var run = State(First, 1, RunStatus.Running, round: 3);
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.State("vectors"), ProtocolJson.Write(run), retain: true), CancellationToken.None);
        var before = await RecallAsync(swarm, "node_0");
        Assert.Equal((First, run.Run), (before.Definition, before.State?.Run));
        await swarm.PublishDefinitionAsync("");
        // What there is to remove it still says.
        var after = await RecallAsync(swarm, "node_0");
        Assert.Equal((null, run.Run), (after.Definition, after.State?.Run));
    }

    [Fact]
    public async Task A_run_that_goes_on_although_it_was_removed_is_ended_before_another_start_begins()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        var states = new ConcurrentQueue<(int Start, RunStatus Status)>();
        await using var watch = await swarm.Owner.SubscribeAsync(
            swarm.Topics.State("vectors"), m => states.Enqueue(ProtocolJson.Read<SwarmState>(m.Payload, out _) is { } s ? (s.Start, s.Status) : default), CancellationToken.None);
        var definition = SwarmHarness.Definition(rounds: 1000);
        await swarm.PublishDefinitionAsync(definition);
        await swarm.WaitAsync(s => s.Round >= 2);
        await new GhostMember(swarm, "node_9", new Recollection { State = State(definition, 1, RunStatus.Removing) }).TellAsync();
        await swarm.WaitAsync(s => s.Start == 2);
        Assert.Equal([(1, RunStatus.Superseded), (2, RunStatus.Starting)], states.SkipWhile(s => s.Status != RunStatus.Superseded).Take(2));
    }

    [Fact]
    public async Task What_a_node_remembers_as_committed_stays_on_its_disk_while_others_begin_with_less()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(First);
        var end = await swarm.WaitForEndAsync();
        var files = end.Globals.SelectMany(_ => new[] { "node_0", "node_1" }, (g, node) => Path.Combine(swarm.Settings(node).StateFolder, "blobs", g.Content.Blob!.Sha256)).ToArray();
        await SwarmHarness.EventuallyAsync(() => files.Any(File.Exists));
        var kept = files.Where(File.Exists).ToArray();
        // Of a higher authority: obeyed until somebody begins with the end again.
        var less = State(First, 1, RunStatus.Running, round: 1) with { Term = end.Term + 1, From = "node_9" };
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.State("vectors"), ProtocolJson.Write(less), retain: true), CancellationToken.None);
        var again = await swarm.WaitAsync(s => s.Status.IsFinal() && s.Term > less.Term);
        Assert.Equal((RunStatus.Completed, end.Globals.Length), (again.Status, again.Globals.Length));
        Assert.All(kept, file => Assert.True(File.Exists(file), file));
    }

    private static string HashOf(string definition) => SwarmJson.HashOf(SwarmJson.Parse(Encoding.UTF8.GetBytes(definition)));

    private static SwarmState State(string definition, int start, RunStatus status, int round = 0) => new()
    {
        Swarm = "vectors", Definition = HashOf(definition), Run = new RunId(HashOf(definition), start).ToString(), Start = start, Round = round, Term = 1,
        Status = status, From = "a_node_of_less", Incarnation = "before", Id = "before-1",
    };

    /// <summary>Asks a node for what it has kept, as a coordinator does that finds nothing on the broker.</summary>
    private static async Task<Recollection> RecallAsync(SwarmHarness swarm, string node)
    {
        var told = new TaskCompletionSource<Recollection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listening = await swarm.Owner.SubscribeAsync(swarm.Topics.Tasks("vectors", node), message =>
        {
            if (ProtocolJson.Read<Recollection>(message.Payload, out _) is { } kept)
                told.TrySetResult(kept);
        }, CancellationToken.None);
        var question = new Recall { Swarm = "vectors", From = "node_9", Incarnation = "i", Id = "i-1" };
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.Inbox(node), ProtocolJson.Write(question)), CancellationToken.None);
        return await told.Task.WaitAsync(SwarmHarness.Patience);
    }

    /// <summary>Starts a node with what an earlier process of it had kept.</summary>
    private static async Task StartAsync(SwarmHarness swarm, string node, string? definition, SwarmState? state)
    {
        var settings = swarm.Settings(node);
        await using (var archive = new SwarmArchive(new FileDisk(settings.StateFolder), NullLogger.Instance))
        {
            if (definition is not null)
                archive.KeepDefinition("vectors", Encoding.UTF8.GetBytes(definition));
            if (state is not null)
                archive.KeepState("vectors", state);
        }
        await swarm.AddNodeAsync(settings);
    }
}
