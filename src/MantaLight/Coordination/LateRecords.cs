using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>Records that come after their task was committed without them: refused, counted, named, never taken in.</summary>
internal static class LateRecords
{
    /// <summary>A record of a committed task of this round.</summary>
    public static void Note(Turn turn, TaskRound task, TaskCompleted record)
    {
        var late = Seconds(turn.Now - task.CommittedAt);
        if (task.Placed.TryGetValue(record.From, out var attempt) && attempt is { Phase: AttemptPhase.Failed, LateSeconds: null })
            turn.Put(task.With(attempt with { LateSeconds = late }));
        else if (task.LeftOut.TryGetValue(record.From, out var left) && left.LateSeconds is null)
            turn.Put(task with { LeftOut = task.LeftOut.SetItem(record.From, left with { LateSeconds = late }) });
        else
            return;
        turn.News = true;
    }

    /// <summary>A record of the round before, of a node that its summary names.</summary>
    public static void NoteOld(Turn turn, TaskUpdate update)
    {
        var state = turn.State;
        if (update is not TaskCompleted || update.Round != state.Round - 1 || state.History.LastOrDefault() is not { } summary || summary.Round != update.Round)
            return;
        var named = summary.LeftOut.FirstOrDefault(l => l.Node == update.From && l.Reason.StartsWith($"{update.Alias}: ", StringComparison.Ordinal));
        if (named is not { LateSeconds: null })
            return;
        var late = Seconds(turn.Now - state.CommitsBefore.GetValueOrDefault(update.Alias, state.RoundBegan));
        summary = summary with { Late = summary.Late + 1, LeftOut = summary.LeftOut.Replace(named, named with { LateSeconds = late }) };
        turn.State = state with { History = state.History.SetItem(state.History.Length - 1, summary) };
        turn.News = true;
    }

    /// <summary>How many there were in this round.</summary>
    public static int Count(CoordinatorState state) => state.Tasks.Values.Sum(
        t => t.Placed.Values.Count(a => a.LateSeconds is not null) + t.LeftOut.Values.Count(l => l.LateSeconds is not null));

    private static double Seconds(TimeSpan time) => Math.Round(Math.Max(0, time.TotalSeconds), 3);
}
