using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>
/// Folds a swarm's messages into what people want to see. Pure: no clock, no connection. Messages of another run are
/// dropped; duplicates and late ones change nothing.
/// </summary>
/// <param name="swarm">The swarm.</param>
/// <param name="accepts">Which run to watch; null to follow whatever runs.</param>
internal sealed class RunView(string swarm, Predicate<SwarmState>? accepts = null)
{
    private const int MaximumRounds = 10_000;
    private const int MaximumAttempts = 10_000;

    // More nodes of a task than these are counted, not told one by one.
    public const int MaximumTold = 100;

    private static readonly TimeSpan WaitingPatience = TimeSpan.FromSeconds(1);

    /// <summary>While tasks run, their own lines show that it goes on.</summary>
    private static readonly TimeSpan BusyPatience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan WaitingReminder = TimeSpan.FromSeconds(30);

    private readonly SortedDictionary<int, RoundView> rounds = [];
    private readonly SortedDictionary<(string Node, string Alias), AttemptView> attempts = [];
    private readonly HashSet<(int Round, string Alias, string Node, string Reason)> told = [];
    private Wait? waiting;
    private DateTimeOffset seen;

    /// <summary>The swarm.</summary>
    public string Swarm { get; } = swarm;

    /// <summary>Whether those are there who could go on with it.</summary>
    public Pulse Pulse { get; } = new();

    /// <summary>Counts where nodes are too many to be told one by one; null where each one is.</summary>
    public RoundProgress? Progress { get; private set; }

    /// <summary>Whether nodes are known to be too many for that, however few of them a round asks.</summary>
    public bool AreMany { get; init; }

    /// <summary>The last state of the run; null before the first.</summary>
    public SwarmState? State { get; private set; }

    /// <summary>Whether the run has ended.</summary>
    public bool HasEnded => State is { } state && state.Status.IsFinal();

    /// <summary>The rounds that are over, in order.</summary>
    public IEnumerable<RoundView> Finished => rounds.Values.Where(r => r.Summary is not null);

    /// <summary>What each node is doing in the round under way: by node, and in the order of the round's tasks.</summary>
    public IEnumerable<AttemptView> Attempts => attempts.Values
        .Where(a => a.Round == State?.Round)
        .OrderBy(a => a.Node, StringComparer.Ordinal)
        .ThenBy(a => State?.Tasks.TakeWhile(t => t.Alias != a.Alias).Count());

    /// <summary>What the swarm has been waiting for, once it is worth telling; with its age, where nobody is there to renew it.</summary>
    public string? Waiting => waiting is not { IsLong: true } wait ? null
        : Pulse.Missing is null ? wait.Reason : Texts.AsOf(wait.Reason, seen - (Pulse.Heard ?? State!.Sent));

    /// <summary>Takes a message in.</summary>
    /// <returns>What changed, in the order in which to tell it.</returns>
    public IReadOnlyList<Happening> Apply(ControlMessage message, DateTimeOffset now, bool isRetained = false)
    {
        var happened = new List<Happening>();
        Pulse.Apply(message, isRetained, now);
        switch (message)
        {
            case SwarmState state when state.Swarm == Swarm:
                Apply(state, now, happened);
                break;
            case TaskUpdate update when update.Run == State?.Run:
                Apply(update, happened);
                break;
            case ResultValue result when result.Run == State?.Run:
                Round(result.Round)?.Add(result.From, result.Alias, result.Tag, result.Content);
                break;
            case TaskLog log when log.Run == State?.Run && log.Level is "warning" or "error" or "critical":
                happened.Add(new Happening.Trouble($"{log.From}, {NameOf(log.Alias, log.Round)}: {log.Text}"));
                break;
        }
        return happened;
    }

    /// <summary>Notices that time has gone by.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isQuiet">Whether nothing else has happened since the last time.</param>
    public IReadOnlyList<Happening> Tick(DateTimeOffset now, bool isQuiet = true)
    {
        if (HasEnded)
            return [];
        seen = now;
        var happened = new List<Happening>();
        if (!isQuiet)
            Progress?.Told(now);
        else if (Progress is { } progress)
            happened.AddRange(progress.Tick(now));
        if (Pulse.Tick(now) is { } pulse)
            happened.Add(pulse);
        if (TellWait(now) && Waiting is { } text)
            happened.Add(new Happening.Waiting(text));
        return happened;
    }

    /// <summary>Whether the wait is to be told.</summary>
    private bool TellWait(DateTimeOffset now)
    {
        if (waiting is not { } wait)
            return false;
        waiting = wait = wait with { IsLong = now - wait.Since >= WaitingPatience };
        var isBusy = Progress is { Tasks.Count: > 0 } || Attempts.Any(a => a.Status is AttemptStatus.Accepted or AttemptStatus.Running);
        var isDue = wait.Told is { } told
            ? told.Reason != wait.Reason && now - told.At >= WaitingReminder
            : now - wait.Since >= (isBusy ? BusyPatience : WaitingPatience);
        if (isDue)
            waiting = wait with { Told = (wait.Reason, now) };
        return isDue;
    }

    /// <summary>A task in a round, as in <c>worker_001</c>.</summary>
    public static string NameOf(string alias, int round) => string.Create(CultureInfo.InvariantCulture, $"{alias}_{round:D3}");

    private void Apply(SwarmState state, DateTimeOffset now, List<Happening> happened)
    {
        if (State is null || State.Run != state.Run)
        {
            if (accepts is not null && !accepts(state))
            {
                // The watched run lost its place without a word of its own.
                if (State is not null && !HasEnded && state.Start > State.Start)
                    End(RunStatus.Superseded, "another run of this swarm has started", happened);
                return;
            }
            Progress = null;
            rounds.Clear();
            attempts.Clear();
            told.Clear();
        }
        else if (state.Term < State.Term || HasEnded)
        {
            return;
        }
        var before = State?.Run == state.Run ? State : null;
        if (before is not null && before.Round != state.Round)
        {
            foreach (var old in attempts.Where(a => a.Value.Round < state.Round - 1).Select(a => a.Key).ToArray())
                attempts.Remove(old);
        }
        State = state;
        if (AreMany || state.Tasks.Any(t => t.Placed > MaximumTold))
            Progress ??= new RoundProgress();
        Progress?.See(state);
        foreach (var summary in state.History)
        {
            if (Round(summary.Round) is not { Summary: null } round)
                continue;
            round.Summary = summary;
            round.IsLast = summary.Round >= state.MaximumRounds;
            happened.Add(new Happening.RoundFinished(round));
        }
        foreach (var task in state.Tasks)
        {
            foreach (var trouble in task.Troubles.Where(t => told.Add((state.Round, task.Alias, t.Node, t.Reason))))
                happened.Add(new Happening.Trouble($"{trouble.Node}, {NameOf(task.Alias, state.Round)}: {trouble.Reason}"));
        }
        waiting = state.Waiting is { } reason ? (waiting ?? new Wait(reason, now)) with { Reason = reason } : null;
        if (before?.Status != state.Status)
            happened.Add(new Happening.StatusChanged(state.Status, state.Reason));
    }

    private void Apply(TaskUpdate update, List<Happening> happened)
    {
        var attempt = Fold(update);
        if (attempt is null)
            return;
        var key = (update.From, update.Alias);
        var before = attempts.GetValueOrDefault(key);
        if (update is TaskCompleted completed && Round(update.Round) is { } round)
        {
            foreach (var result in completed.Results)
                round.Add(update.From, update.Alias, result.Tag, result.Content);
            if (completed.Next is { } next)
                round.Next = (update.Alias, next);
        }
        if (Progress is { } counted)
        {
            if (update is TaskCompleted one)
                counted.Count(one);
            if (update is not TaskFailed)
                return;
        }
        if (before is null && attempts.Count >= MaximumAttempts)
            return;
        attempts[key] = attempt;
        if (before is not null && (before.Round, before.Number, before.Status) == (attempt.Round, attempt.Number, attempt.Status))
            return;
        var why = update is TaskFailed failed ? $"{failed.Error}: {failed.Message}" : null;
        if (why is not null)
            told.Add((update.Round, update.Alias, update.From, why)); // the state repeats it as trouble
        happened.Add(new Happening.TaskChanged(update.Round, update.Alias, update.From, attempt.Status, why));
    }

    /// <summary>The attempt after an update; null where the update is old news.</summary>
    private AttemptView? Fold(TaskUpdate update)
    {
        var number = int.TryParse(update.Attempt.AsSpan(update.Attempt.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0;
        var known = attempts.GetValueOrDefault((update.From, update.Alias));
        if (known is not null && (update.Round, number).CompareTo((known.Round, known.Number)) < 0)
            return null;
        var same = known is not null && (known.Round, known.Number) == (update.Round, number);
        var status = update switch
        {
            TaskAccepted => AttemptStatus.Accepted,
            TaskRunning => AttemptStatus.Running,
            TaskCompleted => AttemptStatus.Completed,
            _ => AttemptStatus.Failed,
        };
        if (same && known!.Status > status)
            return null;
        return new AttemptView(update.Round, update.Alias, update.From, number, status)
        {
            Progress = update is TaskRunning running ? running.Progress : status == AttemptStatus.Completed ? 1 : same ? known!.Progress : 0,
            Loss = update is TaskRunning { Loss: { } loss } ? loss : same ? known!.Loss : null,
        };
    }

    private RoundView? Round(int number)
    {
        if (!rounds.TryGetValue(number, out var round) && rounds.Count < MaximumRounds)
            rounds[number] = round = new RoundView(number);
        return round;
    }

    private void End(RunStatus status, string reason, List<Happening> happened)
    {
        State = State! with { Status = status, Reason = reason };
        happened.Add(new Happening.StatusChanged(status, reason));
    }

    /// <summary>A wait, its reason as last heard and as last told.</summary>
    private sealed record Wait(string Reason, DateTimeOffset Since, bool IsLong = false, (string Reason, DateTimeOffset At)? Told = null);
}
