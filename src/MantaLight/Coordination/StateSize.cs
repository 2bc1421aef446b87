using System.Collections.Immutable;
using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>Keeps the published state small, whatever users call their metrics and however much goes wrong.</summary>
internal static class StateSize
{
    /// <summary>Below 64 KiB with room for the envelope.</summary>
    private const int Maximum = 60 * 1024;

    private const int RecentRounds = 3;

    /// <summary>Drops detail, the oldest and least needed first, until the state fits; what a successor cannot do without is never dropped.</summary>
    public static SwarmState Fit(SwarmState state)
    {
        ReadOnlySpan<Func<SwarmState, SwarmState>> ways = [OlderWithoutSpread, OlderWithoutLeftOut, OlderWithFewMetrics, WithoutLeftOut, FewRounds, WithoutTroubles, OneRound, WithoutKeys, WithoutReplaced];
        foreach (var way in ways)
        {
            if (ProtocolJson.Write(state).Length <= Maximum)
                return state;
            state = way(state);
        }
        return state;
    }

    private static SwarmState OlderWithoutSpread(SwarmState state) => Older(state, round => round with { Spread = null });

    private static SwarmState OlderWithoutLeftOut(SwarmState state) => Older(state, round => round with { LeftOut = [] });

    private static SwarmState OlderWithFewMetrics(SwarmState state) => Older(state, FewMetrics);

    private static SwarmState WithoutLeftOut(SwarmState state) =>
        state with { History = [.. state.History.Select(round => FewMetrics(round) with { LeftOut = [.. round.LeftOut.Take(3)] })] };

    private static SwarmState FewRounds(SwarmState state) => state with { History = [.. state.History.TakeLast(20)] };

    private static SwarmState WithoutTroubles(SwarmState state) =>
        state with { Tasks = [.. state.Tasks.Select(task => task with { Troubles = [.. task.Troubles.Take(2)] })] };

    private static SwarmState OneRound(SwarmState state) => state with { History = [.. state.History.TakeLast(1)] };

    // Of many thousands of nodes: a successor then places the tasks anew.
    private static SwarmState WithoutKeys(SwarmState state) => state with { Tasks = [.. state.Tasks.Select(task => task with { NodeKeys = null })] };

    // Of many values set in one round: a successor that makes results again then does so with the globals of that moment.
    private static SwarmState WithoutReplaced(SwarmState state) => state with { Replaced = [] };

    private static SwarmState Older(SwarmState state, Func<RoundSummary, RoundSummary> change)
    {
        var recent = Math.Max(0, state.History.Length - RecentRounds);
        return state with { History = [.. state.History.Select((round, index) => index < recent ? change(round) : round)] };
    }

    private static RoundSummary FewMetrics(RoundSummary round) => round with
    {
        Metrics = round.Metrics
            .Where(m => m.Key.EndsWith(".accuracy", StringComparison.Ordinal) || m.Key.EndsWith(".loss", StringComparison.Ordinal))
            .Take(8)
            .ToImmutableSortedDictionary(StringComparer.Ordinal),
        Decision = round.Decision is { Length: > 100 } text ? text[..100] : round.Decision,
    };
}
