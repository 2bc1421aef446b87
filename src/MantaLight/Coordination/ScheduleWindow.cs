using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>
/// How many attempts are scheduled and not yet accepted, so that a thousand nodes do not answer into one queue at once. The
/// others wait for their turn, in node order.
/// </summary>
internal static class ScheduleWindow
{
    public const int Size = 200;

    /// <summary>After so many unanswered messages an attempt no longer holds the others up.</summary>
    private const int Patience = 3;

    /// <summary>Over how long the nodes of a task spread their records, so that at most <see cref="Size"/> come in a second.</summary>
    public static TimeSpan SpreadOf(TaskRound task) => TimeSpan.FromSeconds(Math.Max(0, (task.Placed.Count / (double)Size) - 1));

    /// <summary>Schedules what waits, as far as the window allows.</summary>
    public static void Fill(Turn turn)
    {
        var running = turn.State.Tasks.Values.Where(t => t.Phase == TaskPhase.Running).ToArray();
        var waiting = running.Sum(t => t.Counts.Waiting);
        if (waiting == 0 || turn.State.Paused || turn.State.Status.IsFinal())
            return;
        var free = Size - running.Sum(t => t.Counts.Scheduled);
        // Half a window at once: whoever waits is looked for among all.
        if (free < Math.Min(waiting, Size / 2))
        {
            if (!turn.IsTick)
                return;
            free = Size - running.Sum(t => t.Placed.Values.Count(a => a.Phase == AttemptPhase.Scheduled && turn.Now - a.Began < turn.State.Timing.Resend * Patience));
        }
        foreach (var task in running)
        {
            if (free <= 0)
                return;
            var alias = task.Task.Alias;
            foreach (var attempt in task.Placed.Values.Where(a => a.Phase == AttemptPhase.Waiting).Take(free))
            {
                AttemptFlow.Schedule(turn, alias, attempt);
                free--;
            }
        }
    }
}
