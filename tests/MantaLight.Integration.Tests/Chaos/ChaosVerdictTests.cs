using System.Collections.Immutable;
using MantaLight.Cli.Chaos;
using MantaLight.Protocol;

namespace MantaLight.Integration.Tests.Chaos;

/// <summary>Whether a trial sees that faults have changed something.</summary>
public sealed class ChaosVerdictTests
{
    private static readonly ImmutableSortedDictionary<int, RoundSummary> Undisturbed = Rounds("aaaa", "bbbb");

    [Fact]
    public void The_same_rounds_with_the_same_globals_are_no_difference() => Assert.Empty(ChaosVerdict.Differences(Undisturbed, Rounds("aaaa", "bbbb")));

    [Fact]
    public void A_round_that_is_missing_is_told() =>
        Assert.Equal(["Rounds that were not committed: 2."], ChaosVerdict.Differences(Undisturbed, Rounds("aaaa")));

    [Fact]
    public void A_round_too_many_is_told() =>
        Assert.Equal(["Round 3 is one more than the undisturbed run has."], ChaosVerdict.Differences(Undisturbed, Rounds("aaaa", "bbbb", "cccc")));

    [Fact]
    public void Another_global_is_told_with_both_hashes_also_where_the_last_one_is_equal() =>
        Assert.Contains("Round 1: global cccc", Assert.Single(ChaosVerdict.Differences(Undisturbed, Rounds("cccc", "bbbb"))), StringComparison.Ordinal);

    private static ImmutableSortedDictionary<int, RoundSummary> Rounds(params string[] globals) =>
        globals.Select((global, i) => new RoundSummary { Round = i + 1, GlobalSha256 = global, Participants = 3 }).ToImmutableSortedDictionary(r => r.Round, r => r);
}
