using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>
/// Where all nodes were shut down: whoever comes back first takes over, and holds nobody to a deadline before as many are back as
/// the tasks of the round need. Until then it keeps calling the roll.
/// </summary>
internal static class Regrouping
{
    private const int MaximumNamed = 5;

    /// <summary>Whether too few are back for a task of the round.</summary>
    /// <param name="turn">The step.</param>
    /// <param name="unreported">Committed tasks whose results are needed and not reported.</param>
    public static bool IsWaiting(Turn turn, IEnumerable<TaskRound> unreported)
    {
        var state = turn.State;
        if (!state.IsCold)
            return false;
        var pending = state.Tasks.Values.Where(t => t.Phase == TaskPhase.Pending && !t.Placed.IsEmpty);
        if (pending.Concat(unreported).FirstOrDefault(t => CountBack(state, t) < Shortfall.NeededOf(state, t)) is not { } task)
            return false;
        turn.Blocked = () => Explain(turn.State, task);
        return true;
    }

    /// <summary>Gives one more member the time to tell what it has done.</summary>
    public static void MemberIsBack(Turn turn)
    {
        var until = turn.Now + turn.State.Timing.RollCall;
        if (turn.State.IsCold && turn.State.RollCallUntil < until)
            turn.State = turn.State with { RollCallUntil = until };
    }

    /// <summary>Enough are back: from now on deadlines count.</summary>
    public static void End(Turn turn)
    {
        if (!turn.State.IsCold)
            return;
        turn.State = turn.State with { IsCold = false };
        foreach (var task in turn.State.Tasks.Values)
        {
            foreach (var attempt in task.Placed.Values.Where(a => a.IsOpen && a.Deadline != default))
                turn.Put(task.Task.Alias, attempt with { Deadline = turn.Now + Deadlines.Of(turn.State, task) });
        }
    }

    private static int CountBack(CoordinatorState state, TaskRound task)
    {
        var placed = task.Placed.Values.Count(a => a.Phase == AttemptPhase.Completed || IsThere(state, a.Node));
        // Another node does as well.
        var others = task.Task.Method == PlacementMethod.Any ? Placement.Eligible(state, task.Task).Count(node => !task.Placed.ContainsKey(node)) : 0;
        return placed + others;
    }

    private static bool IsThere(CoordinatorState state, string node) => state.Members.GetValueOrDefault(node) is { Online: true };

    private static string Explain(CoordinatorState state, TaskRound task)
    {
        var away = task.Placed.Values.Where(a => a.Phase != AttemptPhase.Completed && !IsThere(state, a.Node)).Select(a => a.Node);
        return $"task '{task.Task.Alias}' goes on when {Shortfall.NeededOf(state, task)} of its {task.Placed.Count} nodes are back: {Placement.List(away, MaximumNamed)} {(away.Count() == 1 ? "is" : "are")} not there yet";
    }
}
