using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Weights.Packing;
using Microsoft.Extensions.Logging;

namespace MantaLight.Virtual;

/// <summary>What a swarm of virtual nodes is made of.</summary>
public sealed record VirtualSwarmSettings
{
    /// <summary>The swarm's id.</summary>
    public required string Swarm { get; init; }

    /// <summary>What it does.</summary>
    public required SwarmDefinition Definition { get; init; }

    /// <summary>The tasks of its module.</summary>
    public required TaskCatalog Catalog { get; init; }

    /// <summary>Who takes part.</summary>
    public required IReadOnlyList<VirtualNode> Nodes { get; init; }

    /// <summary>Services for the tasks' constructors.</summary>
    public required IServiceProvider Services { get; init; }

    /// <summary>Attempts at once; at least 1. Nothing but time depends on it.</summary>
    public int Slots { get; init; } = Environment.ProcessorCount;
}

/// <summary>
/// A whole swarm in one process: the coordinator's state machine, the tasks and the strategies of a real one, with an attempt's slot in place of a node
/// and shared memory in place of a broker. A swarm of the same definition and nodes comes to the same globals, bit for bit.
/// </summary>
public sealed class VirtualSwarm : IAsyncDisposable
{
    private static readonly TimeSpan Forever = TimeSpan.FromDays(7);

    private readonly Channel<CoordinatorEvent> events = Channel.CreateUnbounded<CoordinatorEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Channel<(VirtualNode Node, ScheduleAttempt Schedule)> waiting = Channel.CreateUnbounded<(VirtualNode, ScheduleAttempt)>();
    private readonly ConcurrentDictionary<string, CancellationTokenSource> underWay = new(StringComparer.Ordinal);
    private readonly SharedValues shared = new();
    private readonly VirtualSwarmSettings settings;
    private readonly ImmutableDictionary<string, VirtualNode> nodes;
    private readonly Action<ControlMessage> watch;
    private readonly MessageStamp coordinator;
    private readonly ILoggerFactory loggers;
    private readonly TimeProvider time;
    private readonly Dictionary<string, (long Sent, long Received)> traffic = new(StringComparer.Ordinal);
    private int round = -1;

    /// <param name="settings">What it is made of.</param>
    /// <param name="watch">Hears what a watcher of a real swarm would see, one message after the other.</param>
    /// <param name="loggers">For the tasks' log records.</param>
    /// <param name="time">The clock.</param>
    public VirtualSwarm(VirtualSwarmSettings settings, Action<ControlMessage> watch, ILoggerFactory loggers, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Slots, 1);
        (this.settings, this.watch, this.loggers, this.time) = (settings, watch, loggers, time);
        nodes = settings.Nodes.ToImmutableDictionary(n => n.Id, StringComparer.Ordinal);
        coordinator = new MessageStamp("coordinator", "virtual", time);
    }

    /// <summary>Runs to the end.</summary>
    /// <returns>The last state.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<SwarmState> RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var slots = Enumerable.Range(0, settings.Slots).Select(_ => Background.Run(() => WorkAsync(stop.Token))).ToArray();
        try
        {
            await using var ticks = time.CreateTimer(_ => events.Writer.TryWrite(new CoordinatorEvent.Tick(default)), null, CoordinatorSeat.TickInterval, CoordinatorSeat.TickInterval);
            return await CoordinateAsync(cancellationToken);
        }
        finally
        {
            await stop.CancelBesideAsync();
            // One that does not heed its token is left behind.
            await Background.EndOfAsync(slots).EndsWithinAsync(AttemptRunner.LongestEnd, time);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        shared.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<SwarmState> CoordinateAsync(CancellationToken cancellationToken)
    {
        var fresh = new CoordinatorState
        {
            Swarm = settings.Swarm,
            // Who waits for a slot is not late: an attempt's time begins in its slot.
            Definition = settings.Definition with { Rounds = settings.Definition.Rounds with { Deadline = Forever, AdaptiveDeadline = null } },
            Run = new RunId(SwarmJson.HashOf(settings.Definition), 1),
            Term = 1,
            Timing = new CoordinatorTiming(),
        };
        var (state, actions) = CoordinatorMachine.Begin(fresh, null, goesOn: false, settings.Nodes.Select(PresenceOf), time.SteadyNow());
        var last = Do(actions, null);
        while (last is null || !last.Status.IsFinal())
        {
            var happening = await events.Reader.ReadAsync(cancellationToken);
            if (happening is CoordinatorEvent.UpdateSeen { Update: var update })
                watch(update);
            (state, actions) = CoordinatorMachine.Step(state, happening, time.SteadyNow());
            last = Do(actions, last);
        }
        return last;
    }

    private SwarmState? Do(IReadOnlyList<CoordinatorAction> actions, SwarmState? last)
    {
        foreach (var action in actions)
        {
            switch (action)
            {
                case CoordinatorAction.PublishState publish:
                    last = (SwarmState)coordinator.Stamp(publish.State);
                    if (last.Round != round)
                        shared.RoundBegins(round = last.Round);
                    watch(last);
                    break;
                case CoordinatorAction.Schedule schedule:
                    // One in each slot is enough: whoever waits has been accepted all the same, and is not sent again.
                    underWay[schedule.Message.Attempt] = new CancellationTokenSource();
                    Tell(schedule.Node, schedule.Message, new TaskAccepted());
                    waiting.Writer.TryWrite((nodes[schedule.Node], schedule.Message with { TimeoutSeconds = settings.Definition.Rounds.Deadline.TotalSeconds }));
                    break;
                case CoordinatorAction.Cancel cancel when underWay.TryGetValue(cancel.Message.Attempt, out var attempt):
                    _ = attempt.CancelBesideAsync();
                    break;
                case CoordinatorAction.ClearBlob clear:
                    shared.Remove(clear.Blob);
                    events.Writer.TryWrite(new CoordinatorEvent.BlobCleared(clear.Blob));
                    break;
            }
        }
        return last;
    }

    private Presence PresenceOf(VirtualNode node) => (Presence)new MessageStamp(node.Id, "virtual", time).Stamp(new Presence
    {
        Status = NodeStatus.Online, Datasets = node.Sizes, Modules = [settings.Definition.Module], Concurrency = 1, Codecs = PackingPlan.Known,
        // Whatever the definition asks of a machine, this is one of that kind.
        Tags = [.. settings.Definition.Tasks.SelectMany(t => t.Tags).Distinct()], Resources = new NodeResources { Gpu = settings.Definition.Tasks.Any(t => t.Gpu) },
    });

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var (node, schedule) = await waiting.Reader.ReadAsync(cancellationToken);
            Tell(node.Id, schedule, await RunAsync(node, schedule, cancellationToken));
        }
    }

    private async Task<TaskUpdate> RunAsync(VirtualNode node, ScheduleAttempt schedule, CancellationToken cancellationToken)
    {
        var store = new VirtualAttemptStore(node.Id, schedule, shared);
        var cancelled = underWay[schedule.Attempt];
        using var deadline = new CancellationTokenSource(settings.Definition.Rounds.Deadline, time);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancelled.Token, cancellationToken);
        try
        {
            any.Token.ThrowIfCancellationRequested();
            return await ExecuteAsync(node, schedule, store, any.Token);
        }
        catch (OperationCanceledException) when (any.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return deadline.IsCancellationRequested
                ? new TaskFailed { Error = TaskFailed.DeadlinePassed, Message = $"the deadline of {settings.Definition.Rounds.Deadline:c} passed" }
                : new TaskFailed { Error = "Cancelled", Message = "cancelled", Retryable = true };
        }
        catch (Exception e)
        {
            return FailureReport.Of(e is TypeInitializationException { InnerException: { } inner } ? inner : e, []);
        }
        finally
        {
            underWay.TryRemove(schedule.Attempt, out _);
            Count(node.Id, store.Traffic);
        }
    }

    private async Task<TaskUpdate> ExecuteAsync(VirtualNode node, ScheduleAttempt schedule, VirtualAttemptStore store, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var requests = new RoundRequests();
        var type = settings.Catalog.Resolve(schedule.TaskType);
        await using (var activator = new TaskActivator(settings.Services))
        {
            SwarmTask task;
            using (await AttemptContext.ProcessGate.EnterAsync(cancellationToken))
                task = activator.Create(type);
            task.Attach(new AttemptEnvironment(
                new World(new Globals(store), new Results(store), requests), new Local(node.Datasets), loggers.CreateLogger(type.FullName ?? type.Name),
                AttemptContexts.Of(schedule, settings.Swarm, node.Id, _ => { }, alone: null, time)));
            await task.RunAsync(cancellationToken);
        }
        return new TaskCompleted
        {
            Globals = [.. store.Globals], Results = [.. store.Results], Next = AttemptContexts.Next(requests.Request),
            Seconds = Math.Round(time.GetElapsedTime(began).TotalSeconds, 4),
        };
    }

    private void Count(string node, (long Sent, long Received) more)
    {
        lock (traffic)
        {
            var before = traffic.GetValueOrDefault(node);
            traffic[node] = (before.Sent + more.Sent, before.Received + more.Received);
        }
    }

    private void Tell(string node, ScheduleAttempt schedule, TaskUpdate update)
    {
        (long Sent, long Received) bytes;
        lock (traffic)
            bytes = traffic.GetValueOrDefault(node);
        events.Writer.TryWrite(new CoordinatorEvent.UpdateSeen(update with
        {
            From = node, Incarnation = "virtual", Run = schedule.Run, Round = schedule.Round, Alias = schedule.Alias, Attempt = schedule.Attempt,
            BytesSent = bytes.Sent, BytesReceived = bytes.Received,
        }));
    }
}
