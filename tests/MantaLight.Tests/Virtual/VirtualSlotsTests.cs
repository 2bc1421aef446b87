using System.Collections.Concurrent;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Virtual;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Virtual;

/// <summary>Slots outlive whatever runs in them, and do each thing once.</summary>
public sealed class VirtualSlotsTests : IAsyncDisposable
{
    private readonly ServiceProvider services = new ServiceCollection().BuildServiceProvider();
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentQueue<TaskUpdate> reports = new();
    private readonly TaskCompletionSource last = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SimulatedBroker broker = new();
    private readonly VirtualNode node = new("node_0", new NoData(), []);
    private Task speaking = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await speaking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
        await services.DisposeAsync();
    }

    [Fact]
    public async Task What_is_sent_again_runs_once()
    {
        var slots = await SlotsAsync(SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(SwarmHarness.Definition())));
        foreach (var attempt in (string[])["first", "first", "last"])
            slots.Add(node, Schedule(attempt));
        slots.Begin(stop.Token);
        await last.Task.WaitAsync(SwarmHarness.Patience, TestContext.Current.CancellationToken);
        slots.Add(node, Schedule("first"));
        Assert.Equal(["accepted first", "accepted last", "completed first", "completed last"], Told());
    }

    [Fact]
    public async Task A_deadline_that_no_timer_takes_fails_the_attempt_and_not_the_slot()
    {
        var definition = SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(SwarmHarness.Definition()));
        var slots = await SlotsAsync(definition with { Rounds = definition.Rounds with { Deadline = TimeSpan.FromDays(1000) } });
        slots.Add(node, Schedule("last"));
        var working = slots.Begin(stop.Token);
        await last.Task.WaitAsync(SwarmHarness.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(["accepted last", "failed last"], Told());
        Assert.False(working[0].IsCompleted);
    }

    private async Task<VirtualSlots> SlotsAsync(SwarmDefinition definition)
    {
        var settings = new VirtualSwarmSettings { Swarm = "s", Definition = definition, Catalog = new TaskCatalog([typeof(SwarmHarness).Assembly]), Nodes = [node], Services = services, Slots = 1 };
        var connection = await broker.ConnectAsync(new ConnectionProfile { ClientId = "nodes" }, stop.Token);
        await connection.SubscribeAsync(new Topics(VirtualSwarmSettings.Cluster).Tasks("s", "+"), Hear, stop.Token);
        var crowd = new VirtualCrowd(settings, connection, TimeProvider.System, (message, take) => take(message));
        speaking = crowd.SpeakAsync(stop.Token);
        return new VirtualSlots(settings, new SharedValues(), crowd, NullLoggerFactory.Instance, TimeProvider.System);
    }

    private void Hear(BrokerMessage message)
    {
        var update = ProtocolJson.Read<TaskUpdate>(message.Payload, out _)!;
        reports.Enqueue(update);
        if (update is not TaskAccepted && update.Attempt == "last")
            last.SetResult();
    }

    private IEnumerable<string> Told() => reports.Select(r => $"{(r is TaskAccepted ? "accepted" : r is TaskCompleted ? "completed" : "failed")} {r.Attempt}");

    private static ScheduleAttempt Schedule(string attempt) => new() { Alias = "setup", TaskType = "FirstVector", Attempt = attempt, MaySetGlobals = true };

    private sealed class NoData : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}
