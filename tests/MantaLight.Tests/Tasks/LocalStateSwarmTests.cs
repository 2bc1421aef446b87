using System.Buffers;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tasks;
using MantaLight.Tests.Virtual;

namespace MantaLight.Tests.Tasks;

/// <summary>What nodes keep for themselves, in whole swarms, real ones and virtual ones.</summary>
public sealed class LocalStateSwarmTests
{
    private const string Skips = "\"retries\": 0, \"leave_out_after\": 0, \"on_shortfall\": \"skip\"";

    [Theory]
    [InlineData(nameof(CountsOnItsNode), new[] { 1, 2, 3, 4 }, "\"retries\": 1")]
    [InlineData(nameof(CountsAndThrowsAtFirst), new[] { 1, 2, 3, 4 }, "\"retries\": 1")]
    [InlineData(nameof(CountsWhileAnotherFailsAtFirst), new[] { 1, 2 }, Skips)]
    public async Task A_round_s_state_is_in_force_when_its_record_counted(string worker, int[] counts, string rules)
    {
        var definition = Definition(worker, 4).Replace("\"retries\": 1", rules, StringComparison.Ordinal);
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(definition);
        await swarm.WaitForEndAsync();
        var run = await VirtualRun.RunAsync(definition, nodes: 2);
        int[] done = [.. run.End.History.Where(h => h.Skipped is null).Select(h => h.Round)];
        foreach (var records in new[] { Records(swarm), run.Messages.OfType<TaskCompleted>() })
        {
            var counting = records.Where(r => done.Contains(r.Round)).ToArray();
            Assert.Equal(counts, Told(counting, "worker", "count"));
            // And the test, which comes after it, sees what its own round has set.
            Assert.Equal(counts, Told(counting, "test", "seen"));
        }
    }

    [Fact]
    public async Task It_is_there_again_when_the_node_was_restarted_and_gone_with_the_run()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        var kept = Path.Combine(swarm.Settings("node_1").StateFolder, "kept");
        await swarm.PublishDefinitionAsync(Definition(nameof(CountsOnItsNode), 4).Replace("\"alias\": \"test\", \"type\": \"SeesTheCount\"", "\"alias\": \"test\", \"type\": \"SeesTheCountWhenLetGo\"", StringComparison.Ordinal));
        await swarm.WaitAsync(s => s.Round == 2 && s.Tasks.Any(t => t is { Alias: "worker", Phase: TaskPhase.Committed }));
        await swarm.StopNodeAsync("node_1");
        await swarm.AddNodeAsync("node_1");
        SeesTheCountWhenLetGo.Go.SetResult();
        var end = await swarm.WaitForEndAsync();
        Assert.True(end.Status == RunStatus.Completed, end.Reason);
        var real = Records(swarm).ToArray();
        Assert.Equal([1, 2, 3, 4], Told(real, "worker", "count", "node_1"));
        Assert.Equal([1, 2, 3, 4], Told(real, "test", "seen", "node_1"));
        await SwarmHarness.EventuallyAsync(() => Directory.GetFiles(kept).Length == 1);
        // Nothing of it was ever sent.
        Assert.DoesNotContain(swarm.Messages, m => System.Text.Encoding.UTF8.GetString(m.Payload.ToArray()).Contains("a secret of the node", StringComparison.Ordinal));
        // Another run of the same swarm has none.
        await swarm.PublishDefinitionAsync(Definition(nameof(CountsOnItsNode), 3));
        await swarm.WaitAsync(s => s is { Status: RunStatus.Completed, Round: 3 });
        var again = Records(swarm).Where(c => c.Run != end.Run);
        Assert.Equal([1, 2, 3], Told(again, "worker", "count", "node_1"));
        await swarm.PublishDefinitionAsync("");
        await SwarmHarness.EventuallyAsync(() => Directory.GetFiles(kept).Length == 0);
    }

    private static IEnumerable<TaskCompleted> Records(SwarmHarness swarm) => swarm.Messages.Select(m => ProtocolJson.Read<ControlMessage>(m.Payload, out _)).OfType<TaskCompleted>();

    private static string Definition(string worker, int rounds) => SwarmHarness.Definition(worker, rounds, minimumNodes: 2)
        .Replace("\"VectorTest\"", $"\"{nameof(SeesTheCount)}\"", StringComparison.Ordinal).Replace("VectorScheduler", "ThresholdScheduler", StringComparison.Ordinal);

    private static int[] Told(IEnumerable<TaskCompleted> records, string alias, string tag, string node = "node_0") =>
    [
        .. records.Where(r => r.From == node && r.Alias == alias).DistinctBy(r => r.Round).OrderBy(r => r.Round)
            .Select(r => r.Results.Single(result => result.Tag == tag).Content.Value!.Value.GetProperty("number").GetInt32()),
    ];
}

/// <summary>A worker that counts, on its node, how often it has contributed.</summary>
public class CountsOnItsNode : VectorWorker
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        await base.RunAsync(cancellationToken);
        var before = await Local.State.GetAsync<Count>("count", cancellationToken);
        var now = new Count((before?.Number ?? 0) + 1, "a secret of the node");
        Local.State.Set("count", now);
        // What it sets it does not see itself.
        if ((await Local.State.GetAsync<Count>("count", cancellationToken))?.Number != before?.Number)
            throw new InvalidOperationException("it is in force already");
        World.Results.Add("count", new { now.Number });
    }

    public sealed record Count(int Number, string Text);
}

/// <summary>One whose first attempt in each round throws when all is set.</summary>
public sealed class CountsAndThrowsAtFirst : CountsOnItsNode
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        await base.RunAsync(cancellationToken);
        if (Context.Attempt == 1)
            throw new InvalidOperationException("after all");
    }
}

/// <summary>One that fails on node_1 in the first two rounds.</summary>
public sealed class CountsWhileAnotherFailsAtFirst : CountsOnItsNode
{
    public override Task RunAsync(CancellationToken cancellationToken) => Context is { Node: "node_1", Round: <= 2 }
        ? throw new InvalidOperationException("not yet")
        : base.RunAsync(cancellationToken);
}

/// <summary>Tells what the worker has counted.</summary>
public class SeesTheCount : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var count = await Local.State.GetAsync<CountsOnItsNode.Count>("count", cancellationToken);
        World.Results.Add("seen", new { Number = count?.Number ?? 0 });
        World.Results.Add("test_metrics", new { Accuracy = 0.0, Samples = 1 });
    }
}

/// <summary>In the second round it ends when the one test that uses it lets it go.</summary>
public sealed class SeesTheCountWhenLetGo : SeesTheCount
{
    public static TaskCompletionSource Go { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (Context.Round == 2)
            await Go.Task.WaitAsync(cancellationToken);
        await base.RunAsync(cancellationToken);
    }
}
