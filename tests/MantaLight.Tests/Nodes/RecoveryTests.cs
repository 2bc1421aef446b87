using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using MantaLight.Swarms;
using Microsoft.Extensions.Logging.Abstractions;

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

    [Fact]
    public async Task Who_comes_while_members_are_asked_for_what_they_have_kept_is_asked_too()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        var (owner, topics) = (swarm.Owner, swarm.Topics);
        var bytes = System.Text.Encoding.UTF8.GetBytes(SwarmHarness.Definition(minimumNodes: 9));
        var hash = SwarmJson.HashOf(SwarmJson.Parse(bytes));
        var kept = new SwarmState { Swarm = "vectors", Definition = hash, Run = new RunId(hash, 1).ToString(), Start = 1, Round = 5, Status = RunStatus.Running, From = "node_0" };
        Task Say(string topic, ControlMessage message, string from, bool retain) => owner.PublishAsync(
            new OutboundMessage(topic, ProtocolJson.Write(message with { From = from, Incarnation = "ghost", Id = "ghost-1" }), retain), CancellationToken.None).AsTask();
        await Say(topics.Presence("node_8"), new Presence(), "node_8", retain: true);
        // The one says nothing, and the other comes when the one is asked.
        await using var first = await owner.SubscribeAsync(topics.Inbox("node_8"), _ => Say(topics.Presence("node_9"), new Presence(), "node_9", retain: true), CancellationToken.None);
        await using var second = await owner.SubscribeAsync(
            topics.Inbox("node_9"), _ => Say(topics.Tasks("vectors", "node_9"), new Recollection { Swarm = "vectors", State = kept }, "node_9", retain: false), CancellationToken.None);
        var settings = swarm.Settings("node_0");
        await using (var archive = new SwarmArchive(new FileDisk(settings.StateFolder), NullLogger.Instance))
            archive.KeepDefinition("vectors", bytes);
        await swarm.AddNodeAsync(settings);
        Assert.Equal((1, 5), await swarm.WaitAsync(s => s.Start > 0) is { } begun ? (begun.Start, begun.Round) : default);
    }

    [Fact]
    public async Task A_later_definition_that_a_member_has_kept_is_put_back_and_run_by_a_node_that_had_not_heard_of_it()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        var (owner, topics) = (swarm.Owner, swarm.Topics);
        var (older, later) = (SwarmHarness.Definition(rounds: 1), SwarmHarness.Definition(rounds: 1, seed: 2));
        var hash = SwarmJson.HashOf(SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(later)));
        var kept = new SwarmState { Swarm = "vectors", Definition = hash, Run = new RunId(hash, 2).ToString(), Start = 2, Status = RunStatus.Starting, From = "node_0" };
        Task Say(string topic, ControlMessage message, bool retain) => owner.PublishAsync(
            new OutboundMessage(topic, ProtocolJson.Write(message with { From = "node_9", Incarnation = "ghost", Id = "ghost-1" }), retain), CancellationToken.None).AsTask();
        await Say(topics.Presence("node_9"), new Presence(), retain: true);
        await using var asked = await owner.SubscribeAsync(
            topics.Inbox("node_9"), _ => Say(topics.Tasks("vectors", "node_9"), new Recollection { Swarm = "vectors", Definition = later, State = kept }, retain: false), CancellationToken.None);
        var settings = swarm.Settings("node_0");
        await using (var archive = new SwarmArchive(new FileDisk(settings.StateFolder), NullLogger.Instance))
            archive.KeepDefinition("vectors", System.Text.Encoding.UTF8.GetBytes(older));
        await swarm.AddNodeAsync(settings);
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, hash, 2), (end.Status, end.Definition, end.Start));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Starts_are_counted_on_from_the_highest_that_any_member_remembers(bool hasEnded)
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: hasEnded ? 1 : 1000));
        await swarm.WaitAsync(s => hasEnded ? s.Status.IsFinal() : s.Round >= 2);
        if (!hasEnded)
            await swarm.ControlAsync(SwarmAction.Pause);
        // Back from before a broker had lost everything: runs of another definition had been counted up to 7.
        var settings = swarm.Settings("node_1");
        var hash = new string('b', 64);
        await using (var archive = new SwarmArchive(new FileDisk(settings.StateFolder), NullLogger.Instance))
        {
            archive.KeepState("vectors", new SwarmState
            {
                Swarm = "vectors", Definition = hash, Run = new RunId(hash, 7).ToString(), Start = 7, Round = 3, Term = 1, Status = RunStatus.Running,
                From = "a_node_of_less", Incarnation = "before", Id = "before-1",
            });
        }
        await swarm.AddNodeAsync(settings);
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

    private static string Definition { get; } = SwarmHarness.Definition(rounds: 6, minimumNodes: 2);

    private static async Task<string[]> UndisturbedAsync()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(Definition);
        return Summary(await swarm.WaitForEndAsync());
    }

    private static string[] Summary(SwarmState end) => [end.Status.ToString(), .. end.History.Select(h => $"{h.Round}: {h.Participants}, {h.GlobalSha256}")];
}
