using System.Globalization;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tests.Diagnostics;

namespace MantaLight.Tests.Nodes;

/// <summary>What a node does not obey, or has no room for, is counted.</summary>
public sealed class DroppedMessageTests : IDisposable
{
    private const int MaximumSwarms = 1000;
    private const int Copies = 5;

    private readonly DropCounts counts = new();
    private readonly SimulatedBroker broker = new();
    private readonly MessageStamp stamp = new("stranger", "1", TimeProvider.System);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => counts.Dispose();

    [Fact]
    public async Task Swarms_beyond_the_bound_are_refused_with_one_warning_until_another_is_removed()
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        for (var i = 0; i < MaximumSwarms + Copies; i++)
            await StateAsync(swarm, Name(i), RunStatus.Completed, term: 1);
        await SwarmHarness.EventuallyAsync(() => counts.Of("swarms full") == Copies);
        var warning = Assert.Single(swarm.Log.Lines, line => line.Contains("'swarms full'", StringComparison.Ordinal));
        Assert.Contains($"it ignores swarm {Name(MaximumSwarms)} until one of them is removed", warning, StringComparison.Ordinal);

        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        await SwarmHarness.EventuallyAsync(() => counts.Of("swarms full") == Copies + 1);
        await StateAsync(swarm, Name(0), RunStatus.Removed, term: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        Assert.Equal(RunStatus.Completed, (await swarm.WaitAsync(s => s.Swarm == "vectors" && s.Status.IsFinal())).Status);
    }

    [Fact]
    public async Task Tombstones_and_removals_of_very_many_swarms_take_no_place()
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 0);
        // All of them between two ticks, at which a node forgets what is over.
        await swarm.AddNodeAsync(swarm.Settings("node_0") with { Tick = TimeSpan.FromHours(1) });
        for (var i = 0; i <= MaximumSwarms; i++)
        {
            await StateAsync(swarm, Name(i), RunStatus.Removed, term: 2);
            await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.Definition($"gone-{Name(i)}"), ReadOnlyMemory<byte>.Empty, retain: true), Stop);
        }
        await StateAsync(swarm, Name(MaximumSwarms), RunStatus.Removed, term: 1);
        await SwarmHarness.EventuallyAsync(() => counts.Of("lower authority") == 1);
        Assert.Equal(0, counts.Of("swarms full"));
    }

    [Fact]
    public async Task Nodes_beyond_the_bound_are_nobodys_members()
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(worker: "EndlessWorker"));
        await SwarmHarness.EventuallyAsync(() => TryFind<TaskAccepted>(swarm, swarm.Topics.Tasks("vectors", "node_0"), a => a.Alias == "worker", out _));
        // The node itself is the first of them.
        for (var i = 1; i < MemberTable.Capacity + Copies; i++)
        {
            var ghost = new MessageStamp(Name(i), "1", TimeProvider.System).Stamp(new Presence { Status = NodeStatus.Online });
            await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.Presence(ghost.From), ProtocolJson.Write(ghost)), Stop);
        }
        // By the node, and by its coordinator.
        await SwarmHarness.EventuallyAsync(() => counts.Of("members full") == 2 * Copies);
        Assert.Single(swarm.Log.Lines, line => line.Contains("'members full'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task States_beats_and_claims_of_lower_authority_are_counted()
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await StateAsync(swarm, "s", RunStatus.Completed, term: 5);
        await SayAsync(swarm, swarm.Topics.Beat("s"), new CoordinatorBeat { Term = 5 });
        await StateAsync(swarm, "s", RunStatus.Completed, term: 4);
        await SayAsync(swarm, swarm.Topics.Beat("s"), new CoordinatorBeat { Term = 4 });
        await SayAsync(swarm, swarm.Topics.Coordinator("s"), new CoordinatorClaim { Term = 4 });
        await SwarmHarness.EventuallyAsync(() => counts.Of("lower authority") == 3);
        // Nor does a node do what such a one orders.
        await SayAsync(swarm, swarm.Topics.Schedule("s", "node_0"), new ScheduleAttempt { Run = "r-1", Round = 1, Alias = "a", Attempt = "r-1.1.a.node_0.1", Number = 1, Term = 4 });
        await SayAsync(swarm, swarm.Topics.Inbox("node_0"), new CancelAttempt { Swarm = "s", Run = "r-1", Attempt = "r-1.1.a.node_0.1", Term = 4 });
        await SayAsync(swarm, swarm.Topics.Inbox("node_0"), new RollCall { Swarm = "s", Run = "r-1", Term = 4 });
        await SwarmHarness.EventuallyAsync(() => counts.Of("lower authority") == 6);
        Assert.DoesNotContain(swarm.Messages, m => m.Topic == swarm.Topics.Tasks("s", "node_0") && ProtocolJson.Read<ControlMessage>(m.Payload, out _) is TaskUpdate);
        Assert.DoesNotContain(swarm.Log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Copies_of_what_nodes_and_coordinators_have_said_are_counted()
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(worker: "EndlessWorker"));
        BrokerMessage accepted = default;
        await SwarmHarness.EventuallyAsync(() => TryFind<TaskAccepted>(swarm, swarm.Topics.Tasks("vectors", "node_0"), a => a.Alias == "worker", out accepted));
        var before = counts.Of("duplicate or late");
        for (var i = 0; i < Copies; i++)
            await swarm.Owner.PublishAsync(new OutboundMessage(accepted.Topic, accepted.Payload), Stop);
        await SwarmHarness.EventuallyAsync(() => counts.Of("duplicate or late") >= before + Copies);

        Assert.True(TryFind<ScheduleAttempt>(swarm, swarm.Topics.Schedule("vectors", "node_0"), a => a.Alias == "worker", out var schedule));
        before = counts.Of("duplicate or late");
        for (var i = 0; i < Copies; i++)
            await swarm.Owner.PublishAsync(new OutboundMessage(schedule.Topic, schedule.Payload), Stop);
        // Each is counted by the node, which answers, and its answer by the coordinator.
        await SwarmHarness.EventuallyAsync(() => counts.Of("duplicate or late") >= before + (2 * Copies));
    }

    private static bool TryFind<T>(SwarmHarness swarm, string topic, Func<T, bool> which, out BrokerMessage found)
        where T : ControlMessage
    {
        found = swarm.Messages.LastOrDefault(m => m.Topic == topic && ProtocolJson.Read<T>(m.Payload, out _) is { } read && which(read));
        return found.Topic.Length > 0;
    }

    private Task StateAsync(SwarmHarness swarm, string id, RunStatus status, long term) => SayAsync(swarm, swarm.Topics.State(id), new SwarmState
    {
        Swarm = id, Run = "r-1", Definition = new string('a', 64), Start = 1, Status = status, Term = term,
    });

    private async Task SayAsync(SwarmHarness swarm, string topic, ControlMessage message) =>
        await swarm.Owner.PublishAsync(new OutboundMessage(topic, ProtocolJson.Write(stamp.Stamp(message))), Stop);

    private static string Name(int number) => number.ToString("'s-'00000", CultureInfo.InvariantCulture);
}
