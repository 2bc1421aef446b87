using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>
/// What a run waits for, in words. They stand in the committed state, which is a retained publish: so they come when a wait has
/// lasted a while, and are renewed now and then.
/// </summary>
internal static class Waits
{
    private const int MaximumNodes = 5;
    private const int MaximumTasks = 3;
    private const int MaximumReason = 80;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(5);

    public static void Tell(Turn turn)
    {
        var state = turn.State;
        if (state.Status.IsFinal())
            return;
        var text = state.Waiting;
        var lasting = state.Tasks.Values.Where(t => t.Phase == TaskPhase.Running && turn.Now - t.Since >= Patience).Take(MaximumTasks);
        if (turn.Blocked is null && !lasting.Any())
        {
            text = null;
        }
        else if (text is null || turn.Dirty || turn.Now - state.WaitingTold >= Renewal)
        {
            text = string.Join("; ", lasting.Select(t => Describe(turn, t)).Prepend(turn.Blocked?.Invoke()).Append(Missed(state)).OfType<string>());
            turn.State = state with { WaitingTold = turn.Now };
        }
        if (text == state.Waiting)
            return;
        turn.State = turn.State with { Waiting = text };
        turn.Dirty = true;
    }

    /// <summary>The committed globals without which nobody can go on; null where all are to be had.</summary>
    public static string? Missed(CoordinatorState state)
    {
        if (state.Missed.IsEmpty)
            return null;
        // What a task of the round reads may have been replaced since.
        var read = state.Tasks.Values.Where(t => t.Phase == TaskPhase.Running).SelectMany(t => VisibleGlobals.Of(state, t.Task.Alias));
        string[] tags = [.. state.Globals.Values.Concat(read).Where(g => g.Content.Blob is { } blob && state.Missed.Contains(blob.Sha256)).Select(g => $"'{g.Tag}'").Distinct().Take(MaximumTasks)];
        return tags.Length == 0 ? null : $"global {string.Join(", ", tags)} is lost unless a node that has it comes back: neither the broker nor any node that is there has it whole";
    }

    private static string Describe(Turn turn, TaskRound task)
    {
        var isShort = task.Open == 0 && task.Unseen.IsEmpty;
        var missing = task.Placed.Values.Where(a => isShort ? a.Phase == AttemptPhase.Failed : a.IsOpen)
            .Select(a => (a.Node, Doing: Describe(turn, task, a)))
            .OrderBy(a => a.Doing.Rank).ThenBy(a => a.Node, StringComparer.Ordinal)
            .Take(MaximumNodes)
            .Select(a => $"{a.Node} ({a.Doing.Text})")
            .ToArray();
        var open = task.Open + task.Unseen.Count;
        var rest = (isShort ? task.Counts.Failed : open) - missing.Length;
        var names = string.Join(", ", missing) + (rest > 0 ? $"{(missing.Length > 0 ? " and " : "")}{rest} more" : "");
        return isShort
            ? $"task '{task.Task.Alias}' has {task.Counts.Completed} of the {Shortfall.NeededOf(turn.State, task)} nodes that its quorum needs, and tries again {In(turn, Shortfall.NextTry(task))}: {names}"
            : task.Task.Asynchronous is not null
            ? $"task '{task.Task.Alias}' has {task.Counts.Completed} of the {Asynchrony.BufferOf(task)} records of its buffer; {open} are under way: {names}"
            : $"task '{task.Task.Alias}' waits for {open} of {task.Placed.Count + task.Unseen.Count}: {names}";
    }

    /// <summary>What an attempt is doing, and how interesting that is.</summary>
    private static (double Rank, string Text) Describe(Turn turn, TaskRound task, Attempt attempt)
    {
        var again = attempt is { Failures: > 0, Trouble: { } trouble } ? $", again after {Short(trouble)}" : "";
        return turn.State.Members.GetValueOrDefault(attempt.Node) switch
        {
            null => (0, "not there"),
            { Online: false } away => (0, $"offline {Time(turn.Now - away.Since)}"),
            _ when attempt.Phase == AttemptPhase.Failed => (1, Short(attempt.Trouble ?? "failed")),
            _ when attempt.Phase == AttemptPhase.Resting => (1, $"{Short(attempt.Trouble ?? "failed")}, again {In(turn, attempt.RestsUntil)}"),
            _ when attempt.Phase == AttemptPhase.Waiting => (4, $"waits for its turn{again}"),
            _ when attempt.Phase == AttemptPhase.Scheduled => (2, $"no answer for {Time(turn.Now - (attempt.Began ?? task.Since))}{again}"),
            _ when attempt.Progress is { } progress => (3 + (progress / 2), string.Create(CultureInfo.InvariantCulture, $"running, {Math.Floor(progress * 100):F0} %{again}")),
            // A node says 0 % when it begins. What it accepted from a predecessor may have begun long ago.
            _ when attempt.Began is not null => (2.5, $"accepted, waits for its turn{again}"),
            _ => (3, $"accepted{again}"),
        };
    }

    private static string In(Turn turn, DateTimeOffset time) => turn.State.Paused ? "when it is resumed" : $"in {Time(time - turn.Now)}";

    private static string Time(TimeSpan time) => string.Create(CultureInfo.InvariantCulture,
        $"{(time < TimeSpan.FromMinutes(3) ? $"{Math.Max(0, Math.Round(time.TotalSeconds)):F0} s" : $"{Math.Round(time.TotalMinutes):F0} min")}");

    private static string Short(string text) => text.Length <= MaximumReason ? text : $"{text[..MaximumReason]}…";
}
