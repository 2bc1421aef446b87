using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Weights;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// Krum and Multi-Krum (Blanchard et al. 2017, "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent", section 4): a contribution's score is the sum of its
/// n - f - 2 smallest squared distances to others; Krum takes the one of the lowest score, Multi-Krum the mean of the m lowest. Of equal scores the first node's counts as lower.
/// </summary>
/// <param name="byzantine">f: how many contributions may be anything, at least 0; n ≥ 2f + 3.</param>
/// <param name="kept">m, at least 1; null for n - f - 2, the most that the proof holds for.</param>
/// <param name="isMulti">Whether several may be kept.</param>
internal sealed class Krum(int byzantine, int? kept, bool isMulti) : IAggregationRule
{
    /// <inheritdoc/>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{(isMulti ? "multi_krum" : "krum")} f={byzantine}{(kept is { } m && isMulti ? $" m={m}" : "")}");

    /// <inheritdoc/>
    public bool IsWeighted => false;

    /// <inheritdoc/>
    public bool NeedsReference => false;

    /// <inheritdoc/>
    public string? TooFew(int contributions)
    {
        if (contributions < (2L * byzantine) + 3)
            return $"'{Text}' needs at least 2f + 3 = {(2L * byzantine) + 3} contributions, and there {(contributions == 1 ? "is" : "are")} {contributions}";
        return Kept(contributions) > contributions - byzantine - 2
            ? $"'{Text}' keeps {Kept(contributions)} of {contributions}, where n - f - 2 = {contributions - byzantine - 2} at most are safe"
            : null;
    }

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken)
    {
        var squares = Geometry.SquaredDistances(input.Sources, input.Threads, cancellationToken);
        var scores = Scores(squares, [.. Enumerable.Range(0, input.Sources.Count)], byzantine);
        // A stable order: the first of equal scores comes first.
        var order = Enumerable.Range(0, scores.Length).OrderBy(i => scores[i]).ToArray();
        var chosen = order[..Kept(scores.Length)].Order().ToArray();
        var sources = Array.ConvertAll(chosen, i => input.Sources[i]);
        var weights = sources is [var only]
            ? BlockRules.Copy(only, input.Threads, cancellationToken)
            : BlockRules.Pass(sources, new Blend([.. Enumerable.Repeat(1.0, chosen.Length)], chosen.Length), input.Threads, cancellationToken);
        var bound = scores[order[chosen.Length - 1]];
        return new Combined(weights, LeftOut(scores.Length, chosen, place => string.Create(CultureInfo.InvariantCulture, $"its Krum score {scores[place]:G4} is above {bound:G4}")));
    }

    /// <summary>The scores of some contributions among themselves, in their order.</summary>
    internal static double[] Scores(double[,] squares, IReadOnlyList<int> among, int byzantine)
    {
        var nearest = Math.Max(0, among.Count - byzantine - 2);
        return
        [
            .. among.Select(i =>
            {
                var others = among.Where(j => j != i).Select(j => squares[i, j]).Order();
                return others.Take(nearest).Sum();
            }),
        ];
    }

    /// <summary>All places but some, with why.</summary>
    internal static ImmutableArray<(int Place, string Reason)> LeftOut(int count, IReadOnlyCollection<int> chosen, Func<int, string> reason) =>
        [.. Enumerable.Range(0, count).Where(place => !chosen.Contains(place)).Select(place => (place, reason(place)))];

    private int Kept(int contributions) => isMulti ? kept ?? contributions - byzantine - 2 : 1;
}
