using System.Collections.Concurrent;
using System.Threading.Channels;
using MantaLight.Attacks;
using MantaLight.Concurrency;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.SecureAggregation;
using MantaLight.Swarms;
using MantaLight.Tasks;
using Microsoft.Extensions.Logging;

namespace MantaLight.Virtual;

/// <summary>Where a virtual swarm's attempts run: so many at a time, the others in the order in which they were scheduled.</summary>
internal sealed class VirtualSlots(VirtualSwarmSettings settings, SharedValues shared, VirtualCrowd crowd, ILoggerFactory loggers, TimeProvider time)
{
    // As nodes have it, and not above what a command has to end in after Ctrl-C.
    private static readonly TimeSpan Heed = TimeSpan.FromSeconds(5);

    private readonly Channel<(VirtualNode Node, ScheduleAttempt Schedule, CancellationToken Cancelled)> waiting =
        Channel.CreateUnbounded<(VirtualNode, ScheduleAttempt, CancellationToken)>();
    private readonly ConcurrentDictionary<string, CancellationTokenSource> underWay = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (long Sent, long Received)> traffic = new(StringComparer.Ordinal);

    private readonly SwarmGraph graph = new(settings.Definition);
    private readonly string hash = SwarmJson.HashOf(settings.Definition);
    private readonly ConcurrentDictionary<string, SecretVault> vaults = new(StringComparer.Ordinal);

    // The attempts of this round.
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);
    private int round;

    /// <summary>Takes an attempt on; not for use by several at once. Whoever waits has been accepted all the same: what is sent again was not lost.</summary>
    public void Add(VirtualNode node, ScheduleAttempt schedule)
    {
        if (schedule.Round != round)
            taken.Clear();
        round = schedule.Round;
        if (!taken.Add(schedule.Attempt))
            return;
        var cancelled = new CancellationTokenSource();
        underWay[schedule.Attempt] = cancelled;
        Tell(node.Id, schedule, new TaskAccepted());
        waiting.Writer.TryWrite((node, schedule with { TimeoutSeconds = settings.Definition.Rounds.Deadline.TotalSeconds }, cancelled.Token));
    }

    /// <summary>Cancels an attempt that has not ended.</summary>
    public void Cancel(string attempt)
    {
        if (underWay.TryGetValue(attempt, out var source))
            _ = source.CancelBesideAsync();
    }

    /// <summary>Runs attempts until it is cancelled.</summary>
    /// <returns>The slots; one that ends before has failed.</returns>
    public Task[] Begin(CancellationToken cancellationToken) =>
        [.. Enumerable.Range(0, settings.Slots).Select(_ => Background.Run(() => WorkInOneAsync(cancellationToken)))];

    private async Task WorkInOneAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var (node, schedule, cancelled) = await waiting.Reader.ReadAsync(cancellationToken);
            Tell(node.Id, schedule, await RunAsync(node, schedule, cancelled, cancellationToken));
        }
    }

    private async Task<TaskUpdate> RunAsync(VirtualNode node, ScheduleAttempt schedule, CancellationToken cancelled, CancellationToken cancellationToken)
    {
        var store = new VirtualAttemptStore(node.Id, schedule, shared);
        try
        {
            return await RunInTimeAsync(node, schedule, store, cancelled, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            return FailureReport.Of(e is TypeInitializationException { InnerException: { } inner } ? inner : e, []);
        }
        finally
        {
            store.End(hasSucceeded: false);
            underWay.TryRemove(schedule.Attempt, out _);
            traffic.AddOrUpdate(node.Id, store.Traffic, (_, before) => (before.Sent + store.Traffic.Sent, before.Received + store.Traffic.Received));
        }
    }

    private async Task<TaskUpdate> RunInTimeAsync(VirtualNode node, ScheduleAttempt schedule, VirtualAttemptStore store, CancellationToken cancelled, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(settings.Definition.Rounds.Deadline, time);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancelled, cancellationToken);
        try
        {
            any.Token.ThrowIfCancellationRequested();
            // What the task does when it hears of its end is no matter of the slot, nor of the timer that says so.
            var token = new TaskToken(_ => { }, any.Token);
            var working = Background.Run(() => ExecuteAsync(node, schedule, store, token.Token));
            var hasEnded = await working.EndsSoonAfterAsync(Heed, time, any.Token);
            _ = token.Detach();
            // One that does not heed its token is left behind: others wait for the slot.
            if (!hasEnded)
                throw new OperationCanceledException(any.Token);
            var completed = await working;
            store.End(hasSucceeded: true);
            return completed;
        }
        catch (OperationCanceledException) when (any.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return deadline.IsCancellationRequested
                ? new TaskFailed { Error = TaskFailed.DeadlinePassed, Message = $"the deadline of {settings.Definition.Rounds.Deadline:c} passed" }
                : new TaskFailed { Error = "Cancelled", Message = "cancelled", Retryable = true };
        }
    }

    private async Task<TaskUpdate> ExecuteAsync(VirtualNode node, ScheduleAttempt schedule, VirtualAttemptStore store, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var requests = new RoundRequests();
        var type = settings.Catalog.Resolve(schedule.TaskType);
        var secure = SecureDuty.Of(settings.Definition, hash, settings.Swarm, schedule, node.Id, vaults.GetOrAdd(node.Id, _ => new MemoryVault()));
        using var masking = secure is null ? null : await secure.OpenAsync(store, schedule.Seed, cancellationToken);
        AttemptStore world = masking ?? (AttemptStore)store;
        if (node.Attack is { } attack)
            world = new AttackedStore(world, attack, schedule.Seed, schedule.Round, node.Id);
        await using (var activator = new TaskActivator(settings.Services))
        {
            SwarmTask task;
            using (await AttemptContext.ProcessGate.EnterAsync(cancellationToken))
                task = activator.Create(type);
            task.Attach(new AttemptEnvironment(
                new World(new Globals(world), new Results(world), requests),
                new Local(node.Datasets, new VirtualStateStore(node.Id, schedule, graph.AncestorsOf(schedule.Alias), shared.Kept, store), node.Attack is { } falsifier ? falsifier.Falsify : null) { Privacy = shared.BookOf(node.Id) },
                new VirtualTaskLogger(loggers.CreateLogger(type.FullName ?? type.Name), log => crowd.Log(log with { From = node.Id, Run = schedule.Run, Round = schedule.Round, Alias = schedule.Alias })),
                AttemptContexts.Of(schedule, settings.Swarm, node.Id, _ => { }, alone: null, time)) { Secure = secure });
            await task.RunAsync(cancellationToken);
        }
        cancellationToken.ThrowIfCancellationRequested();
        return new TaskCompleted
        {
            Globals = [.. store.Globals], Results = [.. store.Results], Next = AttemptContexts.Next(requests.Request),
            Seconds = Math.Round(time.GetElapsedTime(began).TotalSeconds, 4),
        };
    }

    private void Tell(string node, ScheduleAttempt schedule, TaskUpdate update)
    {
        var (sent, received) = traffic.GetValueOrDefault(node);
        crowd.Tell(update with
        {
            From = node, Run = schedule.Run, Round = schedule.Round, Alias = schedule.Alias, Attempt = schedule.Attempt,
            BytesSent = sent, BytesReceived = received,
        });
    }
}
