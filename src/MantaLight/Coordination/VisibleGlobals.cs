using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>
/// What a task reads: the globals that the round began with, as the tasks that it comes after have replaced them. What a task beside
/// it sets, and what it has set itself, it never sees, whoever was faster: done again after a loss, it has the same bits.
/// </summary>
internal static class VisibleGlobals
{
    public static ImmutableArray<GlobalEntry> Of(CoordinatorState state, string alias)
    {
        if (state.Replaced.IsEmpty)
            return state.EffectiveGlobals();
        var ancestors = new SwarmGraph(state.Definition).AncestorsOf(alias);
        var globals = state.Globals;
        var settled = new HashSet<string>(StringComparer.Ordinal);
        // From the last commit of a tag back to that of a task that comes before this one.
        foreach (var replaced in state.Replaced.Reverse())
        {
            if (ancestors.Contains(replaced.Alias))
                settled.Add(replaced.Tag);
            else if (!settled.Contains(replaced.Tag))
                globals = replaced.Before is { } before ? globals.SetItem(replaced.Tag, before) : globals.Remove(replaced.Tag);
        }
        return (state with { Globals = globals }).EffectiveGlobals();
    }

    /// <summary>Why a task that is done cannot be committed: another task has set one of its globals in this round, and which of the two stands would be chance.</summary>
    /// <returns>Null where there is no such global.</returns>
    public static string? ConflictOf(CoordinatorState state, TaskRound task)
    {
        if (state.Replaced.IsEmpty || task.Again)
            return null;
        var tags = task.Placed.Values.SelectMany(a => a.Record?.Globals ?? []).Select(g => g.Tag).ToHashSet(StringComparer.Ordinal);
        if (tags.Count == 0)
            return null;
        var ancestors = new SwarmGraph(state.Definition).AncestorsOf(task.Task.Alias);
        return state.Replaced.FirstOrDefault(r => tags.Contains(r.Tag) && r.Alias != task.Task.Alias && !ancestors.Contains(r.Alias)) is { } other
            ? $"task '{task.Task.Alias}' sets global '{other.Tag}', as task '{other.Alias}' of this round has done, and neither comes after the other: let one of them wait for the other (after), or set another global"
            : null;
    }
}
