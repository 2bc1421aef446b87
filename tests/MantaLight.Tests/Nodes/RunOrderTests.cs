using MantaLight.Coordination;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using MantaLight.Swarms;

namespace MantaLight.Tests.Nodes;

/// <summary>
/// Which of two runs is the older, where one process has coordinated both with the same authority: as when a broker lost everything between the removal of
/// the one and the start of the other.
/// </summary>
public sealed class RunOrderTests
{
    private readonly MessageStamp coordinator = new("node_9", "1", TimeProvider.System);
    private readonly RunId first = new(new string('a', 64), 1);
    private readonly RunId second = new(new string('b', 64), 1);

    [Fact]
    public async Task The_record_of_a_run_is_dropped_when_another_has_followed_it()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        var disk = await CompleteAsync(swarm, tellsState: true);
        await StateAsync(swarm, second);
        await SwarmHarness.EventuallyAsync(() => disk.List("journal").Count == 0);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    // What a broker retains is another run's, and of its own this process has no state: it was lost.
    [InlineData(false, true)]
    public async Task So_is_that_of_an_earlier_process_of_the_node(bool knowsRun, bool isRetained)
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        var disk = await CompleteAsync(swarm, knowsRun);
        await swarm.StopNodeAsync("node_0");
        if (isRetained)
            await StateAsync(swarm, second, retain: true);
        await swarm.AddNodeAsync("node_0");
        if (!isRetained)
            await StateAsync(swarm, second);
        await SwarmHarness.EventuallyAsync(() => disk.List("journal").Count == 0);
    }

    [Fact]
    public async Task A_broker_that_comes_back_with_an_older_run_makes_no_node_forget_what_it_has_done_in_the_later_one()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        var disk = await CompleteAsync(swarm, tellsState: true);
        await swarm.StopNodeAsync("node_0");
        await StateAsync(swarm, second, retain: true);
        await swarm.AddNodeAsync("node_0");
        var before = Records(swarm);
        await SayAsync(swarm, swarm.Topics.Inbox("node_0"), new RollCall { Swarm = "vectors", Run = first.ToString(), Term = 3 });
        await SwarmHarness.EventuallyAsync(() => Records(swarm) > before);
        Assert.Single(disk.List("journal"));
        // Unless it is what goes on.
        await StateAsync(swarm, second);
        await SwarmHarness.EventuallyAsync(() => disk.List("journal").Count == 0);
    }

    [Fact]
    public async Task Whoever_coordinates_with_a_lower_authority_makes_no_earlier_processs_record_old()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        var disk = await CompleteAsync(swarm, tellsState: false);
        await swarm.StopNodeAsync("node_0");
        await swarm.AddNodeAsync("node_0");
        await StateAsync(swarm, second, term: 2);
        var before = Records(swarm);
        await SwarmHarness.EventuallyAsync(() => Records(swarm) > before + 1);
        Assert.Single(disk.List("journal"));
    }

    /// <summary>Has node_0 complete an attempt of the first run; returns its disk.</summary>
    private async Task<FileDisk> CompleteAsync(SwarmHarness swarm, bool tellsState)
    {
        var disk = new FileDisk(swarm.Settings("node_0").StateFolder);
        await swarm.AddNodeAsync("node_0");
        if (tellsState)
            await StateAsync(swarm, first);
        await SayAsync(swarm, swarm.Topics.Schedule("vectors", "node_0"), new ScheduleAttempt
        {
            Run = first.ToString(), Round = 1, Alias = "worker", Attempt = AttemptId.Of(first, 1, "worker", "node_0", 1), Number = 1, Term = 3,
            Module = SwarmHarness.Module, TaskType = "ThrowingWorker", TimeoutSeconds = 20,
        });
        await SwarmHarness.EventuallyAsync(() => Records(swarm) > 0);
        Assert.Single(disk.List("journal"));
        return disk;
    }

    private static int Records(SwarmHarness swarm) => swarm.Messages.Count(m =>
        m.Topic == swarm.Topics.Tasks("vectors", "node_0") && ProtocolJson.Read<ControlMessage>(m.Payload, out _) is TaskCompleted);

    private Task StateAsync(SwarmHarness swarm, RunId run, bool retain = false, long term = 3) => SayAsync(swarm, swarm.Topics.State("vectors"), new SwarmState
    {
        Swarm = "vectors", Run = run.ToString(), Definition = run.Definition, Start = 1, Status = RunStatus.Running, Round = 1, Term = term,
    }, retain);

    private async Task SayAsync(SwarmHarness swarm, string topic, ControlMessage message, bool retain = false) =>
        await swarm.Owner.PublishAsync(new OutboundMessage(topic, ProtocolJson.Write(coordinator.Stamp(message)), retain), TestContext.Current.CancellationToken);
}
