using System.Collections.Concurrent;
using MantaLight.Broker;
using MantaLight.Cli;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Node;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tasks;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>What an owner says to a swarm under way, and to one that has ended, and what comes of it.</summary>
public sealed class SwarmControlCommandTests : ToolOnBrokerTests
{
    private readonly string id = $"vectors-{Guid.NewGuid():n}";
    [Fact]
    public async Task A_paused_swarm_ends_what_runs_and_goes_on_in_the_same_run_when_it_is_resumed()
    {
        var expected = await UndisturbedAsync();
        await using var swarm = await StartAsync();
        await swarm.PublishDefinitionAsync(Definition(nameof(HeldWorker)), id);
        await swarm.WaitAsync(IsInRoundThree);
        await SaysAsync("paused", "pause");
        await RefusedAsync("is paused, so it cannot be asked to pause", "pause");
        await RefusedAsync("is paused, so it cannot be asked to start", "start");

        HeldWorker.Release(id);
        var held = await swarm.WaitAsync(s => s.Round == 3 && Phase(s, "worker") == TaskPhase.Committed);
        Assert.Equal((RunStatus.Paused, TaskPhase.Pending), (held.Status, Phase(held, "aggregator")));
        Assert.Equal(2, Scheduled(swarm, "aggregator"));

        await SaysAsync("running", "resume");
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(held.Run, end.Run);
        Assert.Equal(expected, Summary(end));
    }

    [Fact]
    public async Task A_stopped_swarm_goes_on_from_its_last_commit_when_it_is_resumed()
    {
        var expected = await UndisturbedAsync();
        await using var swarm = await StartAsync();
        await swarm.PublishDefinitionAsync(Definition(nameof(HeldWorker)), id);
        await swarm.WaitAsync(IsInRoundThree);
        await SaysAsync("stopped (stopped by its owner)", "stop");
        var stopped = await swarm.WaitForEndAsync();
        Assert.Equal((1, 3), (stopped.Start, stopped.Round));
        await RefusedAsync("is stopped, so it cannot be asked to stop", "stop");

        HeldWorker.Release(id);
        await GoesOnAsync(swarm, stopped, expected);
    }

    [Theory]
    [InlineData(nameof(ReadingWorker), "which is not there", 0)]
    [InlineData(nameof(ExpectantWorker), "the letters have not come", 1)]
    public async Task A_swarm_that_has_failed_goes_on_from_its_last_commit_when_the_cause_is_gone_and_it_is_resumed(string worker, string cause, int repetitions)
    {
        var expected = await UndisturbedAsync();
        var letters = Path.Combine(folder.FullName, "letters.txt");
        await using var swarm = await StartAsync(new MappedDatasets([new("letters", letters)]));
        await swarm.PublishDefinitionAsync(Definition(worker), id);
        var failed = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Failed, 1, 3), (failed.Status, failed.Start, failed.Round));
        Assert.Contains(cause, failed.Reason, StringComparison.Ordinal);
        // Two rounds; then both nodes, and again whichever was the first to have failed for good, if not both. Missing data is not tried again.
        Assert.InRange(Scheduled(swarm, "worker"), 4 + 2 + repetitions, 4 + (2 * (1 + repetitions)));

        await File.WriteAllTextAsync(letters, "abc", Cancelled);
        await GoesOnAsync(swarm, failed, expected);
    }

    [Fact]
    public async Task A_completed_swarm_is_not_resumed_but_starts_again_from_the_beginning()
    {
        await using var swarm = await StartAsync();
        await swarm.PublishDefinitionAsync(Definition(), id);
        var first = await swarm.WaitForEndAsync();
        await RefusedAsync("is completed, so it cannot be asked to resume", "resume");

        var start = await ControlAsync("start");
        Assert.True(start.Code == ExitCodes.Success, start.Error);
        var begun = await swarm.WaitAsync(s => s.Start == 2);
        Assert.Equal((0, 0), (begun.Round, begun.History.Length));
        var second = await swarm.WaitForEndAsync();
        Assert.Equal(2, second.Start);
        Assert.Equal(Summary(first), Summary(second));
    }

    [Theory]
    [InlineData("stop", RunStatus.Running, null, "nobody has answered for swarm")]
    [InlineData("stop", RunStatus.Running, "task 'worker' waits for 1 of 2: node_1 (offline 12 s)", "task 'worker' waits for 1 of 2: node_1 (offline 12 s)")]
    [InlineData("remove", RunStatus.Running, null, "nobody has answered for swarm")]
    [InlineData("remove", RunStatus.Removing, null, "what swarm")]
    [InlineData("start", RunStatus.Completed, "waiting for a node that has what the broker has lost: g", "nobody has answered for swarm")]
    public async Task Who_waits_for_a_coordinator_is_told_for_what(string verb, RunStatus status, string? waiting, string told)
    {
        await using var swarm = await SwarmHarness.StartAsync(new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }), nodes: 0, "local");
        var state = new SwarmState
        {
            From = "node_9", Incarnation = "i", Swarm = id, Run = "r-1", Term = 1, Definition = new string('a', 64), Start = 1, Status = status, Waiting = waiting,
        };
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.State(id), ProtocolJson.Write(state), retain: true), Cancelled);
        using var output = new LineWriter();
        using var stop = new CancellationTokenSource();
        var running = CommandLine.InvokeAsync(
            ["swarm", verb, id, "--broker", broker.Uri.OriginalString], new CliConsole(TextWriter.Synchronized(output), TextWriter.Null), stop.Token);
        Assert.StartsWith($"Waiting: {told}", await output.FirstLine.WaitAsync(SwarmHarness.Patience), StringComparison.Ordinal);
        await stop.CancelAsync();
        Assert.NotEqual(ExitCodes.Success, await running);
    }

    /// <summary>The next run begins where the one before it ended, does nothing again that was committed, and ends as if nothing had been.</summary>
    private async Task GoesOnAsync(SwarmHarness swarm, SwarmState ended, string[] expected)
    {
        await SaysAsync("running", "resume");
        var begun = await swarm.WaitAsync(s => s.Start != ended.Start);
        Assert.Equal((ended.Start + 1, ended.Round), (begun.Start, begun.Round));
        Assert.Equal(ended.History.Select(h => h.GlobalSha256), begun.History.Select(h => h.GlobalSha256));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(begun.Run, end.Run);
        Assert.Equal(expected, Summary(end));
        Assert.All(Schedules(swarm).Where(s => s.Run == end.Run), s => Assert.True(s.Round >= ended.Round));
    }

    private async Task SaysAsync(string condition, string verb)
    {
        var run = await ControlAsync(verb);
        Assert.True(run.Code == ExitCodes.Success, run.Error);
        Assert.Equal($"Swarm {id}: {condition}", run.Output.Trim());
    }

    private async Task RefusedAsync(string problem, string verb)
    {
        var run = await ControlAsync(verb);
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains(problem, run.Error, StringComparison.Ordinal);
    }

    /// <summary>Tells when there is a line.</summary>
    private sealed class LineWriter : StringWriter
    {
        private readonly TaskCompletionSource<string> first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> FirstLine => first.Task;

        public override void WriteLine(string? value) => first.TrySetResult(value ?? "");
    }

    private Task<CliRun> ControlAsync(string verb) => CliRun.OfAsync("swarm", verb, id, "--broker", broker.Uri.OriginalString);

    private async Task<SwarmHarness> StartAsync(IDatasetProvider? datasets = null)
    {
        var swarm = await SwarmHarness.StartAsync(new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }), nodes: 0, "local");
        for (var i = 0; i < 2; i++)
        {
            var settings = swarm.Settings($"node_{i}");
            await swarm.AddNodeAsync(datasets is null ? settings : settings with { Datasets = datasets });
        }
        return swarm;
    }

    private static string Definition(string worker = nameof(VectorWorker)) => SwarmHarness.Definition(worker, minimumNodes: 2);

    private static async Task<string[]> UndisturbedAsync()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(Definition());
        return Summary(await swarm.WaitForEndAsync());
    }

    private static string[] Summary(SwarmState end) => [end.Status.ToString(), .. end.History.Select(h => $"{h.Round}: {h.Participants}, {h.GlobalSha256}")];

    private static bool IsInRoundThree(SwarmState state) => state.Round == 3 && Phase(state, "worker") == TaskPhase.Running;

    private static TaskPhase? Phase(SwarmState state, string alias) => state.Tasks.FirstOrDefault(t => t.Alias == alias)?.Phase;

    /// <summary>How many attempts of a task have been scheduled, however often each was sent.</summary>
    private static int Scheduled(SwarmHarness swarm, string alias) => Schedules(swarm).Where(s => s.Alias == alias).Select(s => s.Attempt).Distinct().Count();

    private static IEnumerable<ScheduleAttempt> Schedules(SwarmHarness swarm) => swarm.Messages
        .Where(m => m.Topic.Contains("/schedule/", StringComparison.Ordinal)).Select(m => ProtocolJson.Read<ScheduleAttempt>(m.Payload, out _)).OfType<ScheduleAttempt>();
}

/// <summary>A worker that waits in round 3 until it is let.</summary>
public sealed class HeldWorker : VectorWorker
{
    private static readonly ConcurrentDictionary<string, TaskCompletionSource> Gates = new(StringComparer.Ordinal);

    /// <summary>Lets those of a swarm go on.</summary>
    public static void Release(string swarm) => Gates.GetOrAdd(swarm, static _ => new()).TrySetResult();

    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (Context.Round == 3)
            await Gates.GetOrAdd(Context.Swarm, static _ => new()).Task.WaitAsync(cancellationToken);
        await base.RunAsync(cancellationToken);
    }
}

/// <summary>A worker that opens its letters from round 3 on.</summary>
public sealed class ReadingWorker : VectorWorker
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (Context.Round >= 3)
            await (await Local.OpenAsync("letters", cancellationToken)).DisposeAsync();
        await base.RunAsync(cancellationToken);
    }
}

/// <summary>A worker that looks for its letters from round 3 on, and fails where it finds none.</summary>
public sealed class ExpectantWorker : VectorWorker
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (Context.Round >= 3 && !await Local.ExistsAsync("letters", cancellationToken))
            throw new InvalidOperationException("the letters have not come");
        await base.RunAsync(cancellationToken);
    }
}
