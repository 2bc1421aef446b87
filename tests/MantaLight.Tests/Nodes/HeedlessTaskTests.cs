using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using MantaLight.Tasks;
using MantaLight.Tests.Blobs;

namespace MantaLight.Tests.Nodes;

/// <summary>A task that holds its thread and never looks at its token, until the test lets it go.</summary>
public sealed class HeedlessWorker : SwarmTask
{
    public static ManualResetEventSlim Released { get; } = new();

    public static CountdownEvent Ended { get; } = new(1);

    public override Task RunAsync(CancellationToken cancellationToken)
    {
        Released.Wait(CancellationToken.None);
        try
        {
            World.Results.Add("late", 1);
            return Task.CompletedTask;
        }
        finally
        {
            Ended.Signal();
        }
    }
}

/// <summary>A task that hears of its cancellation and, in its answer, holds the thread that brought it, until the test lets it go.</summary>
public sealed class DefiantWorker : SwarmTask
{
    public static ManualResetEventSlim Released { get; } = new();

    /// <summary>How many have come to where they hear of their cancellation.</summary>
    public static int Listening => listening;

    private static int listening;

    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        // By then the node waits for the same cancellation, and would hear of it after this task: callbacks are called in the reverse of their order.
        await Task.Delay(TimeSpan.FromSeconds(0.2), CancellationToken.None).ConfigureAwait(false);
        var cancelled = new TaskCompletionSource();
        await using var answer = cancellationToken.Register(cancelled.SetResult);
        Interlocked.Increment(ref listening);
        await cancelled.Task.ConfigureAwait(false);
        Released.Wait(CancellationToken.None);
    }
}

/// <summary>A task that ends at its cancellation, while what it has registered for that holds on until the test lets it go.</summary>
public sealed class LingeringWorker : SwarmTask
{
    public static ManualResetEventSlim Released { get; } = new();

    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        cancellationToken.Register(() => Released.Wait());
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
    }
}

/// <summary>A task whose answer to its cancellation fails.</summary>
public sealed class BrokenAnswerWorker : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        cancellationToken.Register(() => throw new InvalidOperationException("the answer is broken"));
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
    }
}

/// <summary>A task that shares a value too long for a message, which goes to its node's disk.</summary>
public sealed class LongValueWorker : SwarmTask
{
    public static CountdownEvent Ended { get; } = new(1);

    public override Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            World.Results.Add("long", new string('x', 1 << 20));
            return Task.CompletedTask;
        }
        finally
        {
            Ended.Signal();
        }
    }
}

/// <summary>No task of a user's can take a node from the others.</summary>
public sealed class HeedlessTaskTests
{
    [Fact]
    public async Task A_node_goes_on_without_a_task_that_does_not_heed_its_token()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        // One place: whoever has it for good has the node.
        await swarm.AddNodeAsync(swarm.Settings("node_0") with { Concurrency = 1 });
        await FailsAtItsDeadlineAsync(swarm, "HeedlessWorker");
        await CompletesAsync(swarm, "others");
        Assert.Single(swarm.Log.Lines, line => line.Contains("does not heed its CancellationToken", StringComparison.Ordinal));

        // What it does when it is over has no effect.
        HeedlessWorker.Released.Set();
        Assert.True(HeedlessWorker.Ended.Wait(SwarmHarness.Patience, TestContext.Current.CancellationToken));
        await CompletesAsync(swarm, "last");
        Assert.DoesNotContain(swarm.Messages, m => m.Topic == swarm.Topics.Tasks("vectors", "node_0") && ProtocolJson.Read<TaskCompleted>(m.Payload, out _) is { Alias: "worker" });
    }

    [Fact]
    public async Task A_node_goes_on_without_a_task_that_goes_on_from_within_its_answer_to_the_deadline()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        await swarm.AddNodeAsync(swarm.Settings("node_0") with { Concurrency = 1 });
        try
        {
            await FailsAtItsDeadlineAsync(swarm, "DefiantWorker");
            await CompletesAsync(swarm, "others");

            // One that runs when its node is stopped holds nobody either.
            await swarm.AddNodeAsync(swarm.Settings("node_1"));
            await swarm.PublishDefinitionAsync(Named("stopped", SwarmHarness.Definition("DefiantWorker", minimumNodes: 2)), "stopped");
            // One of the swarm before, and one on each node.
            await SwarmHarness.EventuallyAsync(() => DefiantWorker.Listening >= 3);
            var stopping = swarm.StopNodeAsync("node_1");
            await SwarmHarness.EventuallyAsync(() => swarm.Messages.Any(m =>
                m.Topic == swarm.Topics.Tasks("stopped", "node_1") && ProtocolJson.Read<TaskFailed>(m.Payload, out _) is { Error: TaskFailed.Stopping }));
            await stopping.WaitAsync(SwarmHarness.Patience, TestContext.Current.CancellationToken);
        }
        finally
        {
            DefiantWorker.Released.Set();
        }
    }

    [Fact]
    public async Task What_a_task_has_registered_for_its_cancellation_counts_as_the_task()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        try
        {
            await FailsAtItsDeadlineAsync(swarm, "LingeringWorker");
            await SwarmHarness.EventuallyAsync(() => swarm.Log.Lines.Count(line => line.Contains("does not heed its CancellationToken", StringComparison.Ordinal)) == 1);
        }
        finally
        {
            LingeringWorker.Released.Set();
        }
    }

    [Fact]
    public async Task An_answer_to_the_deadline_that_fails_is_logged_and_the_attempt_ends_at_its_deadline()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        await FailsAtItsDeadlineAsync(swarm, "BrokenAnswerWorker");
        await SwarmHarness.EventuallyAsync(() => swarm.Log.Lines.Count(line => line.Contains("the answer is broken", StringComparison.Ordinal)) == 1);
    }

    [Fact]
    public async Task What_a_task_was_writing_when_its_attempt_ended_without_it_does_not_stay_on_the_disk()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 0);
        var settings = swarm.Settings("node_0");
        using var disk = new HeldDisk(new FileDisk(settings.StateFolder), 1 << 20);
        await swarm.AddNodeAsync(settings with { Disk = disk });
        IReadOnlyList<DiskEntry> before = [];
        try
        {
            await FailsAtItsDeadlineAsync(swarm, "LongValueWorker");
            await SwarmHarness.EventuallyAsync(() => swarm.Messages.Any(m =>
                m.Topic == swarm.Topics.Tasks("vectors", "node_0") && ProtocolJson.Read<TaskFailed>(m.Payload, out _) is { Alias: "worker" }));
            before = disk.List("blobs");
        }
        finally
        {
            disk.Released.Set();
        }
        Assert.True(LongValueWorker.Ended.Wait(SwarmHarness.Patience, TestContext.Current.CancellationToken));
        await SwarmHarness.EventuallyAsync(() => disk.List("blobs").SequenceEqual(before));
    }

    private static string Named(string name, string definition) => definition.Replace("\"vectors\"", $"\"{name}\"", StringComparison.Ordinal);

    private static async Task FailsAtItsDeadlineAsync(SwarmHarness swarm, string worker)
    {
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(worker, deadline: "00:00:01").Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.Contains("the deadline of 00:00:01 passed", end.Reason, StringComparison.Ordinal);
    }

    private static async Task CompletesAsync(SwarmHarness swarm, string name)
    {
        await swarm.PublishDefinitionAsync(Named(name, SwarmHarness.Definition(rounds: 1)), name);
        Assert.Equal(RunStatus.Completed, (await swarm.WaitAsync(s => s.Swarm == name && s.Status.IsFinal())).Status);
    }
}
