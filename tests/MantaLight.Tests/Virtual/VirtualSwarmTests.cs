using MantaLight.Checkpoints;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Virtual;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Virtual;

/// <summary>Whole swarms in one process.</summary>
public sealed class VirtualSwarmTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "model_params": ["delta", "top_k 0.4", "int8", "zstd"], "global_model_params": "fp16" }""")]
    public async Task Virtual_nodes_come_to_the_bits_that_real_ones_come_to(string codecs)
    {
        var definition = SwarmHarness.Definition(rounds: 4, minimumNodes: 3, extra: $", \"codecs\": {codecs}").Replace("VectorScheduler", "ThresholdScheduler", StringComparison.Ordinal);
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 3);
        await swarm.PublishDefinitionAsync(definition);
        var real = await swarm.WaitForEndAsync();
        var (end, _) = await RunAsync(definition, nodes: 3, slots: 2);
        Assert.Equal((real.Status, real.Round), (end.Status, end.Round));
        Assert.Equal(real.History.Select(h => h.GlobalSha256), end.History.Select(h => h.GlobalSha256));
        Assert.Equal(real.Run, end.Run);
    }

    [Fact]
    public async Task Neither_slots_nor_who_is_first_show_in_a_run_with_a_sample_of_the_participants_in_each_round()
    {
        var definition = SwarmHarness.Definition(rounds: 5).Replace("\"method\": \"all\"", "\"method\": \"all\", \"maximum\": 0.2", StringComparison.Ordinal)
            .Replace("VectorScheduler", "ThresholdScheduler", StringComparison.Ordinal);
        var (one, messages) = await RunAsync(definition, nodes: 50, slots: 1);
        var (three, _) = await RunAsync(definition, nodes: 50, slots: 3);
        Assert.Equal(one.History.Select(h => h.GlobalSha256), three.History.Select(h => h.GlobalSha256));
        var workers = messages.OfType<TaskCompleted>().Where(c => c.Alias == "worker").GroupBy(c => c.Round).ToArray();
        Assert.All(workers, round => Assert.Equal(10, round.Count()));
        // Others in each round.
        Assert.True(workers.SelectMany(round => round.Select(c => c.From)).Distinct().Count() > 10);
    }

    [Fact]
    public async Task Whoever_watches_its_broker_sees_what_a_watcher_of_real_nodes_sees()
    {
        var definition = SwarmHarness.Definition(rounds: 2, minimumNodes: 2);
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(definition);
        await swarm.WaitForEndAsync();
        var (_, messages) = await RunAsync(definition, nodes: 2, slots: 2);
        var real = swarm.Messages.Select(m => ProtocolJson.Read<ControlMessage>(m.Payload, out _)).OfType<ControlMessage>().ToArray();
        Assert.Equal(Seen(real), Seen(messages));

        // Retained globals, and each node's presence, updates and schedule; the states between are as many as the coordinator finds time for.
        static IEnumerable<string> Seen(IEnumerable<ControlMessage> messages) => messages.Select(m => m switch
        {
            Presence { Status: NodeStatus.Online } => $"presence of {m.From}",
            ScheduleAttempt schedule => $"schedule {schedule.Attempt}",
            TaskAccepted or TaskCompleted => $"{m.GetType().Name} {((TaskUpdate)m).Attempt} of {m.From}",
            GlobalValue value => $"global {value.Global.Tag} {value.Global.Version} {value.Global.Content.Blob?.Sha256}",
            SwarmState state => $"state {state.Status} {state.Round}",
            _ => "",
        }).Where(line => line.Length > 0).Distinct().Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_an_id_is_refused() => await Assert.ThrowsAsync<InvalidSettingException>(
        () => RunAsync(SwarmHarness.Definition(), nodes: 1, slots: 1, change: s => s with { Nodes = [new VirtualNode("berlin.1", new NoData(), [])] }));

    [Fact]
    public async Task A_message_that_cannot_be_read_ends_the_run()
    {
        var running = RunAsync(SwarmHarness.Definition("EndlessWorker"), nodes: 1, slots: 1, garble: true).WaitAsync(SwarmHarness.Patience, TestContext.Current.CancellationToken);
        var reason = await Assert.ThrowsAsync<InvalidOperationException>(() => running);
        Assert.Contains("swarms/vectors/tasks/node_0 (7 bytes) cannot be read", reason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_may_be_larger_than_any_that_is_read_from_elsewhere()
    {
        // As the results of very many are together.
        var large = System.Text.Json.JsonElement.Parse($"\"{new string('x', ProtocolJson.MaximumMessage)}\"");
        var (end, _) = await RunAsync(SwarmHarness.Definition(rounds: 1), nodes: 1, slots: 1, change: s => s with { Definition = s.Definition with { Globals = s.Definition.Globals.Add("large", large) } });
        Assert.Equal(RunStatus.Completed, end.Status);
    }

    [Fact]
    public async Task A_task_that_fails_ends_the_run_with_its_reason()
    {
        var (end, _) = await RunAsync(SwarmHarness.Definition("ThrowingWorker", minimumNodes: 2).Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal), nodes: 2, slots: 2);
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.Contains("the disk of node_1 is upside down", end.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_attempt_has_its_deadline_from_when_it_has_a_slot()
    {
        // Two that never end on one slot, a second for each.
        var definition = SwarmHarness.Definition("EndlessWorker", minimumNodes: 2, deadline: "00:00:01").Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal);
        var (end, messages) = await RunAsync(definition, nodes: 2, slots: 1);
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.Equal(2, messages.OfType<TaskFailed>().Count());
        Assert.All(messages.OfType<TaskFailed>(), failed => Assert.Equal(TaskFailed.DeadlinePassed, failed.Error));
    }

    [Fact]
    public async Task Who_waits_for_nodes_that_are_not_there_fails_since_nobody_else_can_come()
    {
        var (end, _) = await RunAsync(SwarmHarness.Definition(minimumNodes: 3), nodes: 2, slots: 2);
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.EndsWith("has 2 of 3 nodes: node_0, node_1; nobody else can come", end.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_goes_on_from_a_checkpoint_comes_to_the_bits_of_the_one_that_never_stopped()
    {
        var folder = Directory.CreateTempSubdirectory("mantalight-virtual-");
        try
        {
            var definition = SwarmHarness.Definition(rounds: 4, minimumNodes: 3).Replace("VectorScheduler", "ThresholdScheduler", StringComparison.Ordinal);
            var kept = new List<CheckpointNews>();
            var (whole, _) = await RunAsync(definition, nodes: 3, slots: 2, change: s => s with { Checkpoints = new CheckpointOptions { Folder = folder.FullName, Every = 2 }, Kept = kept.Add });
            Assert.Equal([(2, null), (4, null)], kept.Select(n => (n.Round, n.Problem)));
            var from = await Checkpoint.ReadAsync(kept[0].Path!, TestContext.Current.CancellationToken);
            var (rest, _) = await RunAsync(definition, nodes: 3, slots: 1, change: s => s with { From = from });
            Assert.Equal(RunStatus.Completed, rest.Status);
            Assert.Equal(whole.History.Skip(2).Select(h => (h.Round, h.GlobalSha256)), rest.History.Select(h => (h.Round, h.GlobalSha256)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task It_can_be_cancelled()
    {
        using var stop = new CancellationTokenSource();
        var running = RunAsync(SwarmHarness.Definition("EndlessWorker"), nodes: 2, slots: 2, message => Cancel(message, stop), cancellationToken: stop.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(SwarmHarness.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_kills_a_slot_ends_the_run_with_its_reason()
    {
        var running = RunAsync(SwarmHarness.Definition(nameof(UnspeakableWorker)), nodes: 2, slots: 2);
        var reason = await Assert.ThrowsAsync<NotSupportedException>(() => running.WaitAsync(SwarmHarness.Patience, TestContext.Current.CancellationToken));
        Assert.Equal("not to be told", reason.Message);
    }

    [Fact]
    public async Task A_task_that_does_not_heed_its_deadline_is_left_behind_and_others_get_its_slot()
    {
        var definition = SwarmHarness.Definition(nameof(DeafWorker), minimumNodes: 2, deadline: "00:00:01").Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal);
        var (end, messages) = await RunAsync(definition, nodes: 2, slots: 1).WaitAsync(SwarmHarness.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.All(messages.OfType<TaskFailed>(), failed => Assert.Equal(TaskFailed.DeadlinePassed, failed.Error));
    }

    [Fact]
    public async Task It_can_be_cancelled_though_a_task_does_not_heed_it()
    {
        using var stop = new CancellationTokenSource();
        var running = RunAsync(SwarmHarness.Definition(nameof(DeafWorker)), nodes: 2, slots: 2, message => Cancel(message, stop), cancellationToken: stop.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(SwarmHarness.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_answer_to_the_deadline_that_fails_is_not_the_end_of_the_process()
    {
        var definition = SwarmHarness.Definition(nameof(Nodes.BrokenAnswerWorker), minimumNodes: 2, deadline: "00:00:01").Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal);
        var (end, messages) = await RunAsync(definition, nodes: 2, slots: 2, change: s => s with { Catalog = new TaskCatalog([typeof(VirtualSwarmTests).Assembly]) });
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.All(messages.OfType<TaskFailed>(), failed => Assert.Equal(TaskFailed.DeadlinePassed, failed.Error));
    }

    [Fact]
    public async Task A_skipped_round_has_lost_as_little_as_with_real_nodes()
    {
        var definition = SwarmHarness.Definition(nameof(FailsAtFirstOnNodeOne), rounds: 4, minimumNodes: 2, extra: ", \"codecs\": { \"model_params\": [\"delta\", \"top_k 0.3\"] }")
            .Replace("\"retries\": 1", "\"retries\": 0, \"leave_out_after\": 0, \"on_shortfall\": \"skip\"", StringComparison.Ordinal);
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(definition);
        var real = await swarm.WaitForEndAsync();
        var (end, _) = await RunAsync(definition, nodes: 2, slots: 1);
        Assert.Equal([true, true, false, false], end.History.Select(h => h.Skipped is not null));
        Assert.Equal(real.History.Select(h => h.GlobalSha256), end.History.Select(h => h.GlobalSha256));
    }

    private static void Cancel(ControlMessage message, CancellationTokenSource stop)
    {
        if (message is TaskAccepted { Alias: "worker" })
            stop.Cancel();
    }

    private static async Task<(SwarmState End, List<ControlMessage> Messages)> RunAsync(string definition, int nodes, int slots, Action<ControlMessage>? also = null, Func<VirtualSwarmSettings, VirtualSwarmSettings>? change = null, bool garble = false, CancellationToken cancellationToken = default)
    {
        var messages = new List<ControlMessage>();
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { ReplaysRetainedByWildcard = true } });
        await using var services = new ServiceCollection().BuildServiceProvider();
        var settings = new VirtualSwarmSettings
        {
            Swarm = "vectors", Definition = SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(definition)), Catalog = new TaskCatalog([typeof(SwarmHarness).Assembly]),
            Nodes = [.. Enumerable.Range(0, nodes).Select(n => new VirtualNode($"node_{n}", new NoData(), []))], Services = services, Slots = slots,
        };
        // Anybody who watches.
        await using var watcher = await broker.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, CancellationToken.None);
        await watcher.SubscribeAsync($"mantalight/{VirtualSwarmSettings.Cluster}/#", message =>
        {
            if (ProtocolJson.ReadOwn<ControlMessage>(message.Payload) is not { } heard)
                return;
            if (garble && heard is TaskAccepted)
                _ = watcher.PublishAsync(new OutboundMessage(message.Topic, "garbage"u8.ToArray()), CancellationToken.None).AsTask();
            messages.Add(heard);
            also?.Invoke(heard);
        }, CancellationToken.None);
        await using var swarm = new VirtualSwarm(change?.Invoke(settings) ?? settings, broker, NullLoggerFactory.Instance, TimeProvider.System);
        var end = await swarm.RunAsync(cancellationToken);
        await watcher.CloseAsync(CancellationToken.None);
        Assert.Empty(broker.HandlerFailures);
        return (end, messages);
    }

    private sealed class NoData : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}
