using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tasks;

namespace MantaLight.Tests.Nodes;

/// <summary>A task whose result is null.</summary>
public sealed class NullWorker : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        World.Results.Add<string?>("note", null);
        return Task.CompletedTask;
    }
}

/// <summary>A task whose result is as deep as a value may be.</summary>
public sealed class DeepWorker : VectorWorker
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        World.Results.Add("deep", System.Text.Json.JsonElement.Parse(new string('[', 31) + new string(']', 31)));
        await base.RunAsync(cancellationToken);
    }
}

/// <summary>How attempts end, and what they leave.</summary>
public sealed class AttemptEndTests
{
    [Fact]
    public async Task A_node_that_stops_reports_what_it_cancels_and_its_goodbye_is_its_last_word()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker", minimumNodes: 2));
        await SwarmHarness.EventuallyAsync(() => swarm.Messages.Any(m => ProtocolJson.Read<TaskRunning>(m.Payload, out _) is { From: "node_1", Alias: "worker" }));
        await swarm.StopNodeAsync("node_1");
        await SwarmHarness.EventuallyAsync(() => ByNode1().LastOrDefault() is Presence { Status: NodeStatus.Offline });
        var failed = Assert.Single(ByNode1().OfType<TaskFailed>());
        Assert.Equal(("the node is stopping", true), (failed.Message, failed.Retryable));

        IEnumerable<ControlMessage> ByNode1() => swarm.Messages.Where(m => m.Topic == swarm.Topics.Presence("node_1") || m.Topic == swarm.Topics.Tasks("vectors", "node_1"))
            .Select(m => ProtocolJson.Read<ControlMessage>(m.Payload, out _)).OfType<ControlMessage>();
    }

    [Fact]
    public async Task Null_as_a_result_is_refused_with_what_to_do()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("NullWorker"));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.Contains("result 'note' is null. null cannot be shared; leave the value out", end.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_value_as_deep_as_may_be_is_shared()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("DeepWorker", rounds: 1));
        Assert.Equal(RunStatus.Completed, (await swarm.WaitForEndAsync()).Status);
    }

    [Fact]
    public async Task A_tasks_own_callbacks_on_cancellation_do_not_hold_up_who_cancels()
    {
        using var attempt = new NodeAttempt(new ScheduleAttempt(), null!);
        using var gate = new ManualResetEventSlim();
        attempt.Cancelled.Register(gate.Wait);
        var cancelling = attempt.CancelAsync("enough");
        Assert.False(cancelling.IsCompleted);
        gate.Set();
        await cancelling;
        Assert.Equal(("enough", true), (attempt.CancelReason, attempt.Cancelled.IsCancellationRequested));
    }

    [Fact]
    public async Task A_file_is_kept_while_any_swarm_of_the_node_needs_it_and_dropped_when_none_does()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        // One definition under two names: their globals have the same bytes.
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1), "twins");
        var ends = new[] { await swarm.WaitForEndAsync(), await swarm.WaitForEndAsync() };
        var hash = Assert.Single(ends.Select(e => e.History[0].GlobalSha256).Distinct());
        var files = Path.Combine(swarm.Settings("node_0").StateFolder, "blobs");
        await SwarmHarness.EventuallyAsync(() => Directory.EnumerateFiles(files).Select(Path.GetFileName).SequenceEqual([hash]));
        await swarm.PublishDefinitionAsync("");
        await swarm.WaitAsync(s => s is { Status: RunStatus.Removed, Swarm: "vectors" });
        await Task.Delay(500);
        Assert.True(File.Exists(Path.Combine(files, hash!)));
        await swarm.PublishDefinitionAsync("", "twins");
        await SwarmHarness.EventuallyAsync(() => !Directory.EnumerateFiles(files).Any());
    }
}
