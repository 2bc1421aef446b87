using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>A task placed on more nodes than a state lists.</summary>
/// <param name="Count">How many they were.</param>
/// <param name="Keys">Their <see cref="NodeKeys"/>.</param>
internal sealed record PlacedBefore(int Count, IReadOnlySet<uint> Keys);

/// <summary>
/// Where all nodes were shut down: whoever comes back first takes over, and holds nobody to a deadline before as many are back as
/// the tasks of the round need. Until then it keeps calling the roll, and so does whoever takes over from it.
/// </summary>
internal static class Regrouping
{
    private const int MaximumNamed = 5;

    /// <summary>Notes who is to come: very many are known by their keys alone.</summary>
    public static void Begin(Turn turn, SwarmState retained)
    {
        if (!turn.State.IsCold)
            return;
        var before = CoordinatorState.Ordered<PlacedBefore>();
        foreach (var task in retained.Tasks.Where(t => t.Placed > t.Nodes.Length))
        {
            if (NodeKeys.Read(task.NodeKeys) is { } keys)
                before = before.SetItem(task.Alias, new PlacedBefore(task.Placed, keys));
        }
        turn.State = turn.State with { Before = before };
    }

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
        if (Awaited(state).Concat(unreported).FirstOrDefault(t => CountBack(state, t) < Needed(state, t)) is not { } task)
            return false;
        turn.Blocked = () => Explain(turn.State, task);
        return true;
    }

    /// <summary>Takes in a member that is back, and gives it the time to tell what it has done.</summary>
    public static void MemberIsBack(Turn turn, string node)
    {
        if (!turn.State.IsCold)
            return;
        foreach (var (alias, before) in turn.State.Before)
        {
            var known = turn.Task(alias);
            if (before.Keys.Contains(NodeKeys.Of(node)) && !known.Placed.ContainsKey(node) && !known.LeftOut.ContainsKey(node))
                turn.Put(known.With(new Attempt { Node = node }));
        }
        var until = turn.Now + turn.State.Timing.RollCall;
        if (turn.State.RollCallUntil < until && turn.State.Tasks.Values.Any(t => t.Placed.GetValueOrDefault(node) is { IsOpen: true }))
            turn.State = turn.State with { RollCallUntil = until };
    }

    /// <summary>Enough are back: from now on deadlines count.</summary>
    public static void End(Turn turn)
    {
        if (!turn.State.IsCold)
            return;
        turn.State = turn.State with { IsCold = false, Before = CoordinatorState.Ordered<PlacedBefore>() };
        foreach (var task in turn.State.Tasks.Values)
        {
            foreach (var attempt in task.Placed.Values.Where(a => a.IsOpen && a.Deadline != default))
                turn.Put(task.Task.Alias, attempt with { Deadline = turn.Now + Deadlines.Of(turn.State, task) });
        }
    }

    private static IEnumerable<TaskRound> Awaited(CoordinatorState state) => state.Tasks.Values.Where(t => t.Phase == TaskPhase.Pending && !t.Placed.IsEmpty);

    private static int Total(CoordinatorState state, TaskRound task) =>
        Math.Max(task.Placed.Count + task.LeftOut.Count, state.Before.GetValueOrDefault(task.Task.Alias)?.Count ?? 0);

    private static int Needed(CoordinatorState state, TaskRound task) => Shortfall.NeededOf(state, task, Total(state, task));

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
        string[] away = [.. task.Placed.Values.Where(a => a.Phase != AttemptPhase.Completed && !IsThere(state, a.Node)).Select(a => a.Node)];
        var unknown = Total(state, task) - task.Placed.Count - task.LeftOut.Count;
        var names = away.Length == 0 ? "" : $": {Placement.List(away, MaximumNamed)}{(unknown > 0 ? $" and {unknown} more" : "")} {(away.Length == 1 && unknown == 0 ? "is" : "are")} not there yet";
        return $"task '{task.Task.Alias}' goes on when {Needed(state, task)} of its {Total(state, task)} nodes are back{(names.Length == 0 ? $"; {CountBack(state, task)} are there" : names)}";
    }
}
