using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>
/// Where all nodes were shut down: whoever comes back first takes over, and holds nobody to a deadline before as many are back as
/// the tasks of the round need. Until then it keeps calling the roll, and so does whoever takes over from it.
/// </summary>
internal static class Regrouping
{
    private const int MaximumNamed = 5;

    /// <summary>Who is to come and is not known by name: the state lists the first of very many, and the keys of all.</summary>
    public static ImmutableHashSet<uint> Unseen(TaskState before, IEnumerable<string> known) =>
        before.Placed > before.Nodes.Length && NodeKeys.Read(before.NodeKeys) is { } keys ? [.. keys.Except(known.Select(NodeKeys.Of))] : [];

    /// <summary>Whether too few are back for a task of the round.</summary>
    /// <param name="turn">The step.</param>
    /// <param name="unreported">Committed tasks whose results are needed and not reported.</param>
    public static bool IsWaiting(Turn turn, IEnumerable<TaskRound> unreported)
    {
        var state = turn.State;
        if (!state.IsCold)
            return false;
        // Whose owner would rather have rounds skipped does not want to wait for ever.
        if (state.Definition.Rounds.OnShortfall == ShortfallPolicy.Skip && turn.Now - state.TookOver >= state.Definition.Rounds.Deadline)
            return false;
        if (Awaited(state).Concat(unreported).FirstOrDefault(t => CountBack(state, t) < Shortfall.NeededOf(state, t)) is not { } task)
            return false;
        turn.Blocked = () => IsUnplaced(task) ? Placement.Explain(turn.State, task.Task, Shortfall.NeededOf(turn.State, task)) : Explain(turn.State, task);
        return true;
    }

    /// <summary>Takes in a member that is back, and gives it the time to tell what it has done.</summary>
    public static void MemberIsBack(Turn turn, string node)
    {
        var key = NodeKeys.Of(node);
        foreach (var task in turn.State.Tasks.Values.Where(t => t.Unseen.Contains(key)))
            turn.Put(task.With(new Attempt { Node = node }) with { Unseen = task.Unseen.Remove(key) });
        var until = turn.Now + turn.State.Timing.RollCall;
        if (turn.State.IsCold && turn.State.RollCallUntil < until && turn.State.Tasks.Values.Any(t => t.Placed.GetValueOrDefault(node) is { IsOpen: true }))
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
            // What others have done and cannot tell is not waited for any more; whom a quorum counts, it goes on counting.
            if (task.Phase == TaskPhase.Committed)
                turn.Put(task with { Unseen = [] });
            foreach (var attempt in task.Placed.Values.Where(a => a.IsOpen && a.Deadline != default))
                turn.Put(task.Task.Alias, attempt with { Deadline = turn.Now + Deadlines.Of(turn.State, task) });
        }
    }

    // One for any node that nobody was there for may have nobody left: it is not waited for before its turn comes.
    private static IEnumerable<TaskRound> Awaited(CoordinatorState state) =>
        state.Tasks.Values.Where(t => t.Phase == TaskPhase.Pending && (t.Task.Method == PlacementMethod.All || !IsUnplaced(t)));

    private static int CountBack(CoordinatorState state, TaskRound task)
    {
        var placed = task.Placed.Values.Count(a => a.Phase == AttemptPhase.Completed || IsThere(state, a.Node));
        // Another node does as well, and one that was never placed is placed on whoever is there.
        var others = task.Task.Method == PlacementMethod.Any || IsUnplaced(task) ? Placement.Eligible(state, task.Task).Count(node => !task.Placed.ContainsKey(node)) : 0;
        return placed + others;
    }

    private static bool IsUnplaced(TaskRound task) => task.Placed.IsEmpty && task.Unseen.IsEmpty;

    private static bool IsThere(CoordinatorState state, string node) => state.Members.GetValueOrDefault(node) is { Online: true };

    private static string Explain(CoordinatorState state, TaskRound task)
    {
        string[] away = [.. task.Placed.Values.Where(a => a.Phase != AttemptPhase.Completed && !IsThere(state, a.Node)).Select(a => a.Node)];
        var names = away.Length == 0 ? "" : $": {Placement.List(away, MaximumNamed)}{(task.Unseen.IsEmpty ? "" : $" and {task.Unseen.Count} more")} {(away.Length == 1 && task.Unseen.IsEmpty ? "is" : "are")} not there yet";
        return $"task '{task.Task.Alias}' goes on when {Shortfall.NeededOf(state, task)} of its {task.Total} nodes are back{(names.Length == 0 ? $"; {CountBack(state, task)} are there" : names)}";
    }
}
