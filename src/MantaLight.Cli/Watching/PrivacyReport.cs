using System.Globalization;
using System.Text.Json.Serialization;

namespace MantaLight.Cli.Watching;

/// <summary>What a run has spent of somebody's privacy.</summary>
internal sealed record PrivacyReport
{
    private const string Nodes = "train_metrics";

    // Whose it is, the result that tells it, and what its numbers begin with.
    private static readonly (string Of, string Tag, string Prefix)[] Kinds = [("participants", "privacy", ""), ("samples", Nodes, ""), ("contributions", Nodes, "local_")];

    /// <summary>Whose: <c>participants</c>, <c>samples</c> or <c>contributions</c>.</summary>
    public required string Of { get; init; }

    /// <summary>ε; where nodes have each their own, the largest that is known. Null where what was asked for has none.</summary>
    public required double? Epsilon { get; init; }

    /// <summary>δ.</summary>
    public required double? Delta { get; init; }

    /// <summary>Whether nobody can know the noise, and it is enough for an ε.</summary>
    public required bool Private { get; init; }

    /// <summary>One line for people.</summary>
    [JsonIgnore]
    public string Text => string.Create(
        CultureInfo.InvariantCulture, $"Privacy of {Of}: {(Epsilon is { } epsilon ? $"ε = {epsilon:F3}{(Delta is { } delta ? $" at δ = {delta:G}" : "")}" : "no ε")}{(Private ? "" : Epsilon is null ? " (not private)" : " (not private: reproducible run)")}");

    /// <summary>What some rounds have come to, as the nodes' own numbers and the rounds' summaries tell it.</summary>
    public static IEnumerable<PrivacyReport> After(IEnumerable<RoundView> rounds)
    {
        RoundView[] all = [.. rounds];
        foreach (var (of, tag, prefix) in Kinds)
        {
            // What was spent only grows.
            var epsilon = all.Max(r => r.Largest(tag, $"{prefix}epsilon"));
            if (all.Select(r => r.Least(tag, $"{prefix}private")).LastOrDefault(p => p is not null) is { } isPrivate)
                yield return new PrivacyReport { Of = of, Epsilon = epsilon, Delta = all.Max(r => r.Largest(tag, $"{prefix}delta")), Private = isPrivate >= 1 };
        }
    }
}
