using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>A node that has failed in the last rounds that it took part in.</summary>
/// <param name="Failures">In how many rounds in a row.</param>
/// <param name="Rounds">For how many it was left out the last time; 0 where it was not.</param>
/// <param name="Until">The last round that it is left out of.</param>
internal sealed record Absence(int Failures, int Rounds, int Until);

/// <summary>
/// Nodes that keep failing are left out for 1, 2, 4, 8, at most 16 rounds, and taken back: what they cost is a deadline in
/// each round. A node that was taken back and fails at once is left out for longer; one that completes is forgiven.
/// </summary>
internal static class Absences
{
    private const int MaximumRounds = 16;

    /// <summary>Judges the round that is over by its tasks for all nodes.</summary>
    public static ImmutableSortedDictionary<string, Absence> AfterRound(CoordinatorState state)
    {
        var after = state.Definition.Rounds.LeaveOutAfter;
        if (after == 0)
            return state.Absences;
        var absences = state.Absences.ToBuilder();
        var tasks = state.Tasks.Values.Where(t => t.Task.Method == PlacementMethod.All).ToArray();
        var failed = tasks.SelectMany(t => t.Placed.Values.Where(a => a.Phase == AttemptPhase.Failed).Select(a => a.Node).Concat(t.LeftOut.Keys))
            .ToImmutableHashSet(StringComparer.Ordinal);
        foreach (var node in failed)
        {
            var absence = absences.GetValueOrDefault(node) ?? new Absence(0, 0, 0);
            absence = absence with { Failures = absence.Failures + 1 };
            if (absence.Failures >= after)
            {
                var rounds = Math.Clamp(absence.Rounds * 2, 1, MaximumRounds);
                absence = absence with { Rounds = rounds, Until = state.Round + rounds };
            }
            absences[node] = absence;
        }
        // A committed task's nodes have completed, also those whose records a successor has not seen.
        absences.RemoveRange(tasks
            .SelectMany(t => t.Placed.Values.Where(a => a.Phase == AttemptPhase.Completed || (t.Phase == TaskPhase.Committed && a.IsOpen)))
            .Select(a => a.Node).Where(node => !failed.Contains(node)));
        return absences.ToImmutable();
    }

    /// <summary>The eligible nodes without those that are left out of this round; but never so few that the task cannot be done.</summary>
    public static ImmutableArray<string> Without(CoordinatorState state, ImmutableArray<string> eligible, int least)
    {
        if (state.Absences.IsEmpty)
            return eligible;
        var left = eligible
            .Where(node => IsLeftOut(state, node))
            .OrderByDescending(node => state.Absences[node].Until).ThenByDescending(node => state.Absences[node].Failures).ThenBy(node => node, StringComparer.Ordinal)
            .Take(Math.Max(0, eligible.Length - least))
            .ToHashSet(StringComparer.Ordinal);
        return [.. eligible.Where(node => !left.Contains(node))];
    }

    /// <summary>Who was left out of this round, and why.</summary>
    public static IEnumerable<NodeTrouble> Troubles(CoordinatorState state) => state.Absences
        .Where(a => IsLeftOut(state, a.Key) && state.Members.GetValueOrDefault(a.Key) is { Online: true }
            && !state.Tasks.Values.Any(t => t.Task.Method == PlacementMethod.All && (t.Placed.ContainsKey(a.Key) || t.LeftOut.ContainsKey(a.Key))))
        .Select(a => new NodeTrouble { Node = a.Key, Reason = $"left out until round {a.Value.Until}, after failing in {a.Value.Failures} {(a.Value.Failures == 1 ? "round" : "rounds")} in a row" });

    /// <summary>As published: the longest absences where there are too many.</summary>
    public static ImmutableArray<NodeAbsence> View(CoordinatorState state) =>
    [
        .. state.Absences
            .OrderByDescending(a => a.Value.Until).ThenByDescending(a => a.Value.Failures).ThenBy(a => a.Key, StringComparer.Ordinal)
            .Take(SwarmState.MaximumLeftOut)
            .Select(a => new NodeAbsence { Node = a.Key, Failures = a.Value.Failures, Rounds = a.Value.Rounds, UntilRound = a.Value.Until }),
    ];

    /// <summary>What a predecessor had published.</summary>
    public static ImmutableSortedDictionary<string, Absence> Read(SwarmState retained) =>
        retained.LeftOut.Take(SwarmState.MaximumLeftOut).Where(l => Identifier.IsValid(l.Node)).Aggregate(
            CoordinatorState.Ordered<Absence>(),
            (all, l) => all.SetItem(l.Node, new Absence(
                Math.Max(0, l.Failures), Math.Clamp(l.Rounds, 0, MaximumRounds), Math.Min(l.UntilRound, retained.Round + MaximumRounds))));

    private static bool IsLeftOut(CoordinatorState state, string node) =>
        state.Absences.TryGetValue(node, out var absence) && state.Round <= absence.Until;
}
