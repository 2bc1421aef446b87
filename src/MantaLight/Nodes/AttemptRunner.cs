using System.Collections.Immutable;
using MantaLight.Attacks;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Tasks;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>Runs one attempt: an instance in a scope of its own, its effects staged, one record at the end.</summary>
/// <param name="node">What the node's attempts share.</param>
/// <param name="swarm">The swarm.</param>
/// <param name="schedule">The attempt.</param>
/// <param name="book">The swarm's definition, where it is known.</param>
/// <param name="before">The tasks that its own waits for.</param>
internal sealed class AttemptRunner(AttemptServices node, string swarm, ScheduleAttempt schedule, SwarmBook? book, IReadOnlySet<string> before)
{
    /// <summary>How often a global is published once more that the broker did not give back.</summary>
    private const int MaximumRepeats = 3;

    /// <summary>The error of a record whose blobs the disk has lost: no coordinator hears of it, since it is done again.</summary>
    public const string Spoiled = "Spoiled";

    /// <summary>The reason of those that end with the node.</summary>
    public const string NodeIsStopping = "the node is stopping";

    /// <summary>How long a task that is to end may take to find out.</summary>
    private static readonly TimeSpan Heed = TimeSpan.FromSeconds(5);

    /// <summary>How long a cancelled attempt may take to end: its task, then what that has registered for its cancellation.</summary>
    public static readonly TimeSpan LongestEnd = (2 * Heed) + TimeSpan.FromSeconds(2);

    private static readonly TimeSpan PublishPause = TimeSpan.FromSeconds(1);

    private readonly AttemptBlobs blobs = new(swarm, schedule, node.Store, node.Fetcher, node.Connection.Limits.ChunkSize, node.Time);
    private readonly ILogger logger = node.Loggers.CreateLogger("MantaLight.Nodes.Attempt");
    private readonly ReportPace pace = new(schedule);
    private int repeats;

    /// <summary>Blobs that the attempt has read or made.</summary>
    public IReadOnlyCollection<string> Touched => blobs.Touched;

    /// <summary>What is left of an attempt that has ended without its task; completed where none is, or when the task has ended.</summary>
    public Task GoesOn { get; private set; } = Task.CompletedTask;

    /// <summary>Whether the attempt has read or made a blob.</summary>
    public bool Touches(string hash) => blobs.Touches(hash);

    /// <summary>Globals whose chunks the attempt, or an earlier process for it, may have put on the broker.</summary>
    public ImmutableArray<BlobRef> Published { get; private set; } = [];

    /// <summary>Notes a blob that an earlier process has made for this attempt.</summary>
    public void Touch(BlobRef blob) => blobs.Touch(blob.Sha256);

    /// <summary>Notes what an earlier process may have put on the broker: what it sent may even come after it has gone.</summary>
    public void MayHavePublished(TaskCompleted record) => Published = BlobsOf(record);

    /// <summary>Forgets what has become a committed global: that is its coordinator's.</summary>
    public void HandOver(Func<BlobRef, bool> isCommitted) => Published = Published.RemoveAll(blob => isCommitted(blob));

    /// <summary>Runs to the end; never throws.</summary>
    public Task<TaskUpdate> RunAsync(Func<string?> cancelReason, CancellationToken cancellationToken) =>
        RunAsync(ExecuteAsync, cancelReason, cancellationToken);

    /// <summary>Ends what an earlier process had done: only the globals' chunks may not be on the broker yet; never throws.</summary>
    public Task<TaskUpdate> FinishAsync(TaskCompleted record, Func<string?> cancelReason, CancellationToken cancellationToken) =>
        RunAsync(stop => PublishAsync(record, stop), cancelReason, cancellationToken);

    /// <summary>
    /// Answers a retry by the record that there is, after its globals' chunks have been put where nobody may have found them; as <see cref="Spoiled"/>
    /// where the disk no longer has what it points to: somebody may have missed it for that reason. Never throws.
    /// </summary>
    public Task<TaskUpdate> ConfirmAsync(TaskCompleted record, Func<string?> cancelReason, CancellationToken cancellationToken)
    {
        try
        {
            string[] lost = [.. AttemptJournal.BlobsOf(record).Select(b => b.Sha256).Distinct().Where(IsLost)];
            if (lost.Length > 0)
                return Task.FromResult(Fill(new TaskFailed { Error = Spoiled, Message = "the disk has spoiled what it had made" }));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Task.FromResult(Fill(FailureReport.Of(e, [])));
        }
        return record.Globals.IsEmpty ? Task.FromResult<TaskUpdate>(record) : FinishAsync(record, cancelReason, cancellationToken);
    }

    private bool IsLost(string hash)
    {
        if (node.Store.DropIfSpoiled(hash))
            Log.BlobSpoiled(logger, hash);
        return !node.Store.Contains(hash);
    }

    private async Task<TaskUpdate> RunAsync(Func<CancellationToken, Task<TaskUpdate>> work, Func<string?> cancelReason, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(Math.Clamp(schedule.TimeoutSeconds, 0, 7 * 86400)), node.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        using var activity = Telemetry.Source.StartActivity("attempt");
        activity?.SetTag("mantalight.swarm", swarm).SetTag("mantalight.round", schedule.Round).SetTag("mantalight.alias", schedule.Alias);
        TaskUpdate outcome;
        try
        {
            if (node.Settings.BeforeAttempt is { } before)
                await before(schedule.Round, schedule.Alias, stop.Token);
            outcome = await InPlaceAsync(work, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            var reason = cancellationToken.IsCancellationRequested
                ? cancelReason() ?? "cancelled"
                : $"the deadline of {TimeSpan.FromSeconds(schedule.TimeoutSeconds):c} passed";
            Log.AttemptCancelled(logger, schedule.Attempt, reason);
            var error = !cancellationToken.IsCancellationRequested ? TaskFailed.DeadlinePassed : reason == NodeIsStopping ? TaskFailed.Stopping : "Cancelled";
            outcome = new TaskFailed { Error = error, Message = reason, Retryable = cancellationToken.IsCancellationRequested };
        }
        catch (Exception e)
        {
            // What went wrong in a static constructor is the news, not that there is one.
            var cause = e is TypeInitializationException { InnerException: { } inner } ? inner : e;
            Log.AttemptFailed(logger, schedule.Attempt, cause.GetType().Name, cause.Message);
            outcome = FailureReport.Of(cause, blobs.Missing);
        }
        Telemetry.Attempts.Add(1, new("alias", schedule.Alias), new("outcome", outcome is TaskCompleted ? "completed" : "failed"));
        return Fill(outcome);
    }

    /// <summary>Works in one of the node's places or, where the task goes on after it was to end, not for long.</summary>
    private async Task<TaskUpdate> InPlaceAsync(Func<CancellationToken, Task<TaskUpdate>> work, CancellationToken stop)
    {
        var place = await node.Slots.EnterAsync(stop);
        var token = new TaskToken(e => Log.CancelCallbackFailed(logger, schedule.Attempt, e.InnerExceptions[0].Message), stop);
        var working = Background.Run(() => work(token.Token));
        var hasEnded = await working.EndsSoonAfterAsync(Heed, node.Time, stop);
        var answering = token.Detach();
        if (hasEnded && await answering.EndsWithinAsync(Heed, node.Time))
        {
            place.Dispose();
        }
        else
        {
            GoesOn = Background.EndOfAsync(working, answering);
            node.Slots.Abandon(place, GoesOn);
            Log.AttemptAbandoned(logger, schedule.Attempt, Heed.TotalSeconds);
        }
        // Whatever it does from here on has no effect.
        blobs.Close();
        return hasEnded ? await working : throw new OperationCanceledException(stop);
    }

    private async Task<TaskUpdate> ExecuteAsync(CancellationToken cancellationToken)
    {
        Log.AttemptBegins(logger, schedule.Attempt);
        if (!node.Settings.Modules.TryGetValue(schedule.Module, out var catalog))
            throw new ModuleException($"Module {schedule.Module} is not on this node; there are: {(node.Settings.Modules.IsEmpty ? "none" : string.Join(", ", node.Settings.Modules.Keys))}.");
        var type = catalog.Resolve(schedule.TaskType);
        var store = new NodeAttemptStore(schedule, blobs, new AttemptCodecs(swarm, schedule, node.Store, node.Kept));
        var secure = SecureDuty.Of(book?.Definition, book?.Hash, swarm, schedule, node.Settings.Id, node.Vault);
        using var masking = secure is null ? null : await secure.OpenAsync(store, schedule.Seed, cancellationToken);
        AttemptStore world = masking ?? (AttemptStore)store;
        if (node.Settings.Attack is { } attack)
            world = new AttackedStore(world, attack, schedule.Seed, schedule.Round, node.Settings.Id);
        var requests = new RoundRequests();
        var began = node.Time.GetTimestamp();
        await using (var activator = new TaskActivator(node.Services))
        {
            SwarmTask task;
            // A model's constructor may draw from a process-wide generator that another attempt has to itself.
            using (await node.Settings.Alone.EnterAsync(cancellationToken))
                task = activator.Create(type);
            task.Attach(new AttemptEnvironment(
                new World(new Globals(world), new Results(world), requests),
                new Local(node.Settings.Datasets, new NodeStateStore(swarm, schedule, before, node.Kept, blobs.CheckOpen), node.Settings.Attack is { } falsifier ? falsifier.Falsify : null) { Privacy = node.Books.Of(swarm, book?.Definition?.Start?.Round ?? 0) },
                new TaskLogger(node.Loggers.CreateLogger(type.FullName ?? type.Name), node.Outbox, node.Topics.Logs(swarm, node.Settings.Id), schedule, () => blobs.IsClosed),
                AttemptContexts.Of(schedule, swarm, node.Settings.Id, Report, node.Settings.Alone, node.Time)) { Secure = secure });
            Report(new TaskProgress(0, null));
            await task.RunAsync(cancellationToken);
        }
        cancellationToken.ThrowIfCancellationRequested();
        var seconds = node.Time.GetElapsedTime(began).TotalSeconds;
        Log.AttemptCompleted(logger, schedule.Attempt, seconds);
        Telemetry.AttemptSeconds.Record(seconds, new KeyValuePair<string, object?>("alias", schedule.Alias));
        var record = new TaskCompleted
        {
            Globals = store.StagedGlobals,
            Results = store.StagedResults,
            Next = AttemptContexts.Next(requests.Request),
            Seconds = Math.Round(seconds, 4),
        };
        blobs.CheckOpen();
        // Written down before anything of it is seen elsewhere: whatever dies from here on, it is not done again.
        node.Journal.Write(swarm, schedule, (TaskCompleted)Fill(record));
        return await PublishAsync(record, cancellationToken);
    }

    private static ImmutableArray<BlobRef> BlobsOf(TaskCompleted record) => [.. record.Globals.Select(g => g.Content.Blob).OfType<BlobRef>().DistinctBy(b => b.Sha256)];

    private async Task<TaskUpdate> PublishAsync(TaskCompleted record, CancellationToken cancellationToken)
    {
        foreach (var blob in BlobsOf(record))
        {
            if (!Published.Contains(blob))
                Published = Published.Add(blob);
            while (!await TryPublishAsync(blob, cancellationToken))
                await Task.Delay(PublishPause, node.Time, cancellationToken);
        }
        return record;
    }

    /// <summary>False where the connection was lost on the way: what has been computed is not lost with it.</summary>
    private async Task<bool> TryPublishAsync(BlobRef blob, CancellationToken cancellationToken)
    {
        try
        {
            await node.Publisher.PublishGlobalAsync(swarm, blob, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is BrokerConnectionLostException || (e is BlobUnavailableException && repeats < MaximumRepeats))
        {
            if (e is BlobUnavailableException)
                repeats++;
            // Also where the broker did not give back what it was given: a message may have been lost on the way.
            Log.PublishFailed(logger, node.Topics.SwarmBlobs(swarm, blob.Sha256), e.Message);
            return false;
        }
    }

    private void Report(TaskProgress progress)
    {
        if (!blobs.IsClosed && pace.IsDue(progress.Fraction, node.Time) && progress is { Fraction: var fraction, Loss: var loss })
        {
            node.Outbox.Send(node.Topics.Tasks(swarm, node.Settings.Id), Fill(new TaskRunning
            {
                Progress = double.IsFinite(fraction) ? Math.Clamp(fraction, 0, 1) : 0, Loss = loss is { } value && double.IsFinite(value) ? value : null,
            }), Delivery.AtMostOnce);
        }
    }

    private TaskUpdate Fill(TaskUpdate update) =>
        update with
        {
            Run = schedule.Run, Round = schedule.Round, Alias = schedule.Alias, Attempt = schedule.Attempt,
            BytesSent = node.Connection.Traffic.Sent, BytesReceived = node.Connection.Traffic.Received,
        };
}
