using System.Collections.Immutable;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;

namespace MantaLight.Cli.Chaos;

/// <summary>What faults have changed, and must not.</summary>
internal static class ChaosVerdict
{
    /// <summary>Each round that only one of two runs has, or that has another global.</summary>
    public static IEnumerable<string> Differences(
        ImmutableSortedDictionary<int, RoundSummary> undisturbed, ImmutableSortedDictionary<int, RoundSummary> disturbed)
    {
        var lost = undisturbed.Keys.Except(disturbed.Keys).ToArray();
        if (lost.Length > 0)
            yield return $"Rounds that were not committed: {string.Join(", ", lost)}.";
        foreach (var (round, summary) in disturbed)
        {
            if (!undisturbed.TryGetValue(round, out var expected))
                yield return $"Round {round} is one more than the undisturbed run has.";
            else if (summary.GlobalSha256 != expected.GlobalSha256)
                yield return $"Round {round}: global {Texts.Hash(summary.GlobalSha256)} of {summary.Participants} nodes where the undisturbed run has {Texts.Hash(expected.GlobalSha256)} of {expected.Participants}.";
        }
    }
}
