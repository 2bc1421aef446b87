using System.Collections.Concurrent;
using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Tasks;
using Microsoft.Extensions.Logging;

namespace MantaLight.Virtual;

/// <summary>Where a virtual swarm's attempts run: so many at a time, the others in the order in which they were scheduled.</summary>
internal sealed class VirtualSlots(
    VirtualSwarmSettings settings, SharedValues shared, Action<TaskUpdate> report, Action<ControlMessage> watch, ILoggerFactory loggers, TimeProvider time)
{
    private readonly Channel<(VirtualNode Node, ScheduleAttempt Schedule)> waiting = Channel.CreateUnbounded<(VirtualNode, ScheduleAttempt)>();
    private readonly ConcurrentDictionary<string, CancellationTokenSource> underWay = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (long Sent, long Received)> traffic = new(StringComparer.Ordinal);

    /// <summary>Takes an attempt on. Whoever waits has been accepted all the same, and is not sent again.</summary>
    public void Add(VirtualNode node, ScheduleAttempt schedule)
    {
        underWay[schedule.Attempt] = new CancellationTokenSource();
        Tell(node.Id, schedule, new TaskAccepted());
        waiting.Writer.TryWrite((node, schedule with { TimeoutSeconds = settings.Definition.Rounds.Deadline.TotalSeconds }));
    }

    /// <summary>Cancels an attempt that has not ended.</summary>
    public void Cancel(string attempt)
    {
        if (underWay.TryGetValue(attempt, out var source))
            _ = source.CancelBesideAsync();
    }

    /// <summary>Runs attempts until it is cancelled; never throws.</summary>
    public Task WorkAsync(CancellationToken cancellationToken) =>
        Background.EndOfAsync([.. Enumerable.Range(0, settings.Slots).Select(_ => Background.Run(() => WorkInOneAsync(cancellationToken)))]);

    private async Task WorkInOneAsync(CancellationToken cancellationToken)
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
            traffic.AddOrUpdate(node.Id, store.Traffic, (_, before) => (before.Sent + store.Traffic.Sent, before.Received + store.Traffic.Received));
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
                new World(new Globals(store), new Results(store), requests), new Local(node.Datasets),
                new VirtualTaskLogger(loggers.CreateLogger(type.FullName ?? type.Name), log => watch(log with { From = node.Id, Run = schedule.Run, Round = schedule.Round, Alias = schedule.Alias })),
                AttemptContexts.Of(schedule, settings.Swarm, node.Id, _ => { }, alone: null, time)));
            await task.RunAsync(cancellationToken);
        }
        return new TaskCompleted
        {
            Globals = [.. store.Globals], Results = [.. store.Results], Next = AttemptContexts.Next(requests.Request),
            Seconds = Math.Round(time.GetElapsedTime(began).TotalSeconds, 4),
        };
    }

    private void Tell(string node, ScheduleAttempt schedule, TaskUpdate update)
    {
        var (sent, received) = traffic.GetValueOrDefault(node);
        report(update with
        {
            From = node, Incarnation = "virtual", Run = schedule.Run, Round = schedule.Round, Alias = schedule.Alias, Attempt = schedule.Attempt,
            BytesSent = sent, BytesReceived = received,
        });
    }
}
