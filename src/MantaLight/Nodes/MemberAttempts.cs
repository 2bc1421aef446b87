using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Nodes;

/// <summary>A node's attempts in one swarm, and the blobs that they have left.</summary>
internal sealed class MemberAttempts(AttemptServices node, SeatContext seats, string swarm, SwarmMemory memory, Func<string, bool> isNeeded)
{
    private static readonly TimeSpan Resend = TimeSpan.FromSeconds(3);

    private readonly AttemptBook attempts = new();

    private readonly Leftovers leftovers = new(node, swarm, memory, isNeeded);

    private readonly KeptAccounts accounts = new(node, swarm);

    private readonly ResultsAhead ahead = new(node, seats, swarm);

    private bool isStopping;

    private string Id => node.Settings.Id;

    public bool IsEmpty => attempts.All.Count == 0 && leftovers.IsEmpty && ahead.IsEmpty;

    /// <summary>Whether the swarm needs a blob of the node's store.</summary>
    public bool Needs(string hash) => attempts.All.Any(a => a.Runner.Touches(hash)) || leftovers.Holds(hash) || ahead.Holds(hash)
        || IsRead(memory.State, hash) || IsRead(memory.Later, hash);

    public void Scheduled(ScheduleAttempt schedule)
    {
        if (!memory.Accepts(schedule))
            return;
        // A copy that comes when the attempt is long over and forgotten.
        if ((memory.Later ?? memory.State) is { } state && state.Run == schedule.Run && AttemptAge.IsPast(schedule, state))
        {
            Telemetry.Drop(Telemetry.Stale);
            return;
        }
        // One of an earlier round that was on its way for long: its task has begun anew since.
        if (schedule.MaximumStaleness is not null && OfTask(schedule).Any(a => a.Schedule.Round > schedule.Round && memory.State?.Round >= a.Schedule.Round))
        {
            Telemetry.Drop(Telemetry.Stale);
            return;
        }
        if (attempts.Find(schedule) is { } known)
        {
            known.IsOver = false;
            if (schedule.Number <= known.Schedule.Number)
            {
                Telemetry.Drop(Telemetry.Stale);
                Say(known);
                return;
            }
            if (known.Outcome is TaskCompleted done)
            {
                // The same task, round and seed have been computed.
                (known.Schedule, known.Outcome) = (schedule, null);
                Say(known);
                Begin(known, () => known.Runner.ConfirmAsync(done with { Attempt = schedule.Attempt }, () => known.CancelReason, known.Cancelled));
                return;
            }
            Cancel(known, $"attempt {schedule.Number} takes its place");
        }
        Start(schedule);
    }

    private void Start(ScheduleAttempt schedule)
    {
        var attempt = new NodeAttempt(schedule, new AttemptRunner(node, swarm, schedule, memory.Book, Before(schedule)));
        foreach (var earlier in schedule.MaximumStaleness is null ? [] : OfTask(schedule).Where(a => a.Schedule.Round < schedule.Round).ToArray())
            Cancel(earlier, $"it begins anew in round {schedule.Round}");
        attempts.Put(attempt);
        Say(attempt);
        Begin(attempt, () => attempt.Runner.RunAsync(() => attempt.CancelReason, attempt.Cancelled));
    }

    private IEnumerable<NodeAttempt> OfTask(ScheduleAttempt schedule) => attempts.Current.Where(a => a.Schedule.Run == schedule.Run && a.Schedule.Alias == schedule.Alias);

    /// <summary>Takes back what an earlier process of this node had completed.</summary>
    public void Restore(JournalEntry entry)
    {
        var attempt = new NodeAttempt(entry.Schedule, new AttemptRunner(node, swarm, entry.Schedule, memory.Book, Before(entry.Schedule)))
        {
            Outcome = entry.Record,
            IsRestored = true,
            IsUnpublished = entry.Record.Globals.Length > 0,
        };
        foreach (var blob in AttemptJournal.BlobsOf(entry.Record))
            attempt.Runner.Touch(blob);
        attempt.Runner.MayHavePublished(entry.Record);
        attempts.Put(attempt);
    }

    /// <summary>The tasks that an attempt's waits for.</summary>
    private IReadOnlySet<string> Before(ScheduleAttempt schedule) => memory.Book?.Definition is { } definition ? new SwarmGraph(definition).AncestorsOf(schedule.Alias) : new HashSet<string>();

    /// <summary>Notes a blob that the node keeps for the swarm, beside those of its attempts.</summary>
    public void Keep(string hash) => leftovers.Keep(hash);

    /// <summary>Takes note that the transfer of a result for a task to come has ended.</summary>
    public void BroughtAhead(string hash)
    {
        leftovers.Keep(hash);
        ahead.Ended(hash);
    }

    /// <summary>Brings results that a task of this round will read.</summary>
    public void FetchAhead(FetchAhead order)
    {
        if (!isStopping && memory.Accepts(order) && memory.State is { } state && state.Run == order.Run && state.Round <= order.Round && !state.Status.IsFinal())
            ahead.Bring(order);
    }

    /// <summary>Takes note that chunks that were this node's to clear are gone.</summary>
    public void ChunksCleared(string hash)
    {
        leftovers.ChunksCleared(hash);
        Forget();
    }

    public void Ended(TaskUpdate outcome)
    {
        if (attempts.Find(outcome.Attempt) is not { Outcome: null } attempt)
            return;
        attempt.IsUnpublished = false;
        if (outcome is TaskFailed { Error: AttemptRunner.Spoiled } lost)
        {
            attempt.Outcome = outcome = isStopping ? lost with { Error = TaskFailed.Stopping, Message = AttemptRunner.NodeIsStopping } : lost;
            if (!isStopping)
            {
                Start(attempt.Schedule);
                return;
            }
        }
        // One that another has taken the place of has no say.
        if (outcome is TaskFailed && attempts.Find(attempt.Schedule) == attempt)
            accounts.Settle(attempt, counted: false);
        // First of all: whatever fails below, it is known to have ended, and its record is sent again.
        attempt.Outcome = outcome;
        attempt.IsUnheard = outcome is TaskCompleted;
        if (outcome is TaskCompleted)
            node.Kept.Complete(swarm, attempt.Schedule);
        // Its round may have been closed without it meanwhile: no state tells that again.
        if (outcome is TaskCompleted && memory.State is { } known && known.Run == attempt.Schedule.Run)
            accounts.StateSeen(attempt, known);
        // At once or, where very many nodes end together, at a moment of its own.
        var spread = ReportSpread.Of(attempt.Schedule);
        if (spread <= TimeSpan.Zero || isStopping)
            Say(attempt);
        else
            attempt.LastSent = node.Time.SteadyNow() - Resend - spread + (spread * ReportSpread.ShareOf(attempt.Schedule));
        Forget();
    }

    /// <summary>Tells watchers the results of an attempt.</summary>
    private void Show(TaskCompleted completed)
    {
        foreach (var result in completed.Results)
        {
            node.Outbox.Send(node.Topics.Result(swarm, Id, result.Tag), new ResultValue
            {
                Run = completed.Run, Round = completed.Round, Alias = completed.Alias, Tag = result.Tag, Samples = result.Samples, Content = result.Content,
            });
        }
    }

    public void Cancel(CancelAttempt cancel)
    {
        if (memory.Accepts(cancel) && attempts.Find(cancel.Attempt) is { } attempt)
            Cancel(attempt, cancel.Reason);
    }

    public void RollCalled(RollCall call)
    {
        if (!memory.Accepts(call))
            return;
        foreach (var attempt in attempts.Current.Where(a => a.Schedule.Run == call.Run))
            Say(attempt);
    }

    public void StateSeen(SwarmState seen, bool isRetained = false)
    {
        foreach (var attempt in attempts.All.Where(a => a.Outcome is not null && a.Schedule.Run == seen.Run))
            attempt.Runner.HandOver(blob => seen.Globals.Any(g => g.Content.Blob?.Sha256 == blob.Sha256));
        attempts.Follow(seen, isRetained);
        leftovers.Keep(ahead.Tidy(seen));
        foreach (var attempt in attempts.Current.Where(a => a is { Outcome: TaskCompleted } && a.Schedule.Run == seen.Run))
            accounts.StateSeen(attempt, seen);
        // What still runs in a round that is long over would put a global there that nobody takes any more.
        foreach (var attempt in attempts.All.Where(a => IsPast(a, seen) || AttemptAge.IsLetGo(a.Schedule, seen, Id)))
            Cancel(attempt, $"run {seen.Run} is {seen.Status} in round {seen.Round}");
        Forget();
    }

    /// <summary>Takes note of the run that the node knows of.</summary>
    public void Follow(string known) => attempts.Run = known;

    public void Tick()
    {
        var now = node.Time.SteadyNow();
        foreach (var attempt in attempts.Current.Where(a => a.Outcome is not null && !IsSettled(a) && now - a.LastSent >= Resend + ReportSpread.Of(a.Schedule)))
            Say(attempt);
        // Another swarm may have needed it until now, or a removal been on its way.
        if (!leftovers.IsEmpty || memory.State?.Status.IsRemoval() == true)
            Forget();
    }

    /// <summary>Cancels what runs, waits for it and reports how it ended.</summary>
    public async Task StopAsync()
    {
        isStopping = true;
        ahead.Stop();
        foreach (var attempt in attempts.All)
            Cancel(attempt, AttemptRunner.NodeIsStopping);
        var running = attempts.All.Select(a => a.Running).OfType<Task<TaskUpdate>>().ToArray();
        Task all = Task.WhenAll(running);
        await all.EndsWithinAsync(AttemptRunner.LongestEnd, node.Time);
        // The node's loop has ended: nobody else hands these on.
        foreach (var ended in running.Where(r => r.IsCompletedSuccessfully))
            Ended(await ended);
    }

    private void Begin(NodeAttempt attempt, Func<Task<TaskUpdate>> work) => attempt.Running = Background.Run(async () =>
    {
        // Under the number that the attempt has now: a retry may have been answered by it meanwhile.
        var outcome = await work() with { Attempt = attempt.Schedule.Attempt };
        seats.Post(new NodeEvent.AttemptEnded(swarm, outcome));
        return outcome;
    });

    private void Cancel(NodeAttempt attempt, string reason) => seats.Supervise(attempt.CancelAsync(reason));

    private void Say(NodeAttempt attempt)
    {
        attempt.LastSent = node.Time.SteadyNow();
        if (attempt is { IsUnpublished: true, Outcome: TaskCompleted record } && !IsSettled(attempt))
        {
            attempt.Outcome = null;
            Begin(attempt, () => attempt.Runner.FinishAsync(record, () => attempt.CancelReason, attempt.Cancelled));
            return;
        }
        var update = attempt.Outcome ?? new TaskAccepted
        {
            Run = attempt.Schedule.Run, Round = attempt.Schedule.Round, Alias = attempt.Schedule.Alias, Attempt = attempt.Schedule.Attempt,
        };
        node.Outbox.Send(node.Topics.Tasks(swarm, Id), update with { BytesSent = node.Connection.Traffic.Sent, BytesReceived = node.Connection.Traffic.Received });
        if (attempt is { IsUnheard: true, Outcome: TaskCompleted completed })
            Show(completed);
        attempt.IsUnheard = false;
    }

    private bool IsSettled(NodeAttempt attempt) => memory.State is { } state && AttemptAge.IsSettled(attempt, state, Id);

    /// <summary>Drops what the committed state no longer needs: records, staged blobs, and chunks of globals that were never committed.</summary>
    private void Forget()
    {
        // Where a tombstone has overtaken the owner's removal, it is not known yet whether the swarm has gone or begins anew.
        if (memory.State is not { } state || (state.Status.IsRemoval() && memory.Book is { Removing: false }))
            return;
        foreach (var attempt in attempts.All.Where(a => a.Schedule.MaximumStaleness is not null))
            attempt.LetGo = AttemptAge.IsLetGo(attempt.Schedule, state, Id) ? attempt.LetGo ?? state.Round : null;
        var gone = attempts.Take(a => a.Outcome is not null && IsPast(a, state));
        leftovers.Add(gone, state);
        foreach (var attempt in gone.Where(a => a.Schedule.Run == state.Run))
            accounts.SettlePast(attempt);
        if (state.Status.IsRemoval())
            node.Kept.Forget(swarm);
        else if (gone.Count > 0)
            node.Kept.Forget(swarm, state.Run, memory.Later?.Run ?? state.Run);
        if (gone.Count > 0 && memory.Book?.Definition?.SecureAggregation is not null)
            node.Vault.Forget(swarm, state.Status.IsFinal() ? null : state.Run, state.Round);
        leftovers.Tidy(attempts, state);
    }

    private bool IsPast(NodeAttempt attempt, SwarmState state) =>
        (AttemptAge.IsPast(attempt, state) || (attempt.IsOver && attempt.Schedule.Run != state.Run)) && !IsOfLater(attempt.Schedule);

    private static bool IsRead(SwarmState? state, string hash) => state is not null && state.Blobs().Any(b => b.Sha256 == hash);

    /// <summary>Whether it is of a run that is known to be later than the one that somebody has begun with, and is taken up again when that one knows.</summary>
    private bool IsOfLater(ScheduleAttempt schedule) => memory.Later is { } later && schedule.Run == later.Run && !AttemptAge.IsPast(schedule, later);
}
