using System.Globalization;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// Bulyan over Krum (El Mhamdi, Guerraoui and Rouault 2018, "The Hidden Vulnerability of Distributed Learning in Byzantium", section 4): Krum, again and again on what is left, chooses
/// θ = n - 2f contributions; each element becomes the mean of the β = θ - 2f of their values that are nearest to their median. Of values equally near the lower one is.
/// </summary>
/// <param name="byzantine">f, at least 0; n ≥ 4f + 3.</param>
internal sealed class Bulyan(int byzantine) : IAggregationRule
{
    /// <inheritdoc/>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"bulyan f={byzantine}");

    /// <inheritdoc/>
    public bool IsWeighted => false;

    /// <inheritdoc/>
    public bool NeedsReference => false;

    /// <inheritdoc/>
    public string? TooFew(int contributions) => contributions >= (4L * byzantine) + 3
        ? null
        : $"'{Text}' needs at least 4f + 3 = {(4L * byzantine) + 3} contributions, and there {(contributions == 1 ? "is" : "are")} {contributions}";

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken)
    {
        var squares = Geometry.SquaredDistances(input.Sources, input.Threads, cancellationToken);
        var (left, chosen) = (Enumerable.Range(0, input.Sources.Count).ToList(), new List<int>());
        for (var wanted = input.Sources.Count - (2 * byzantine); chosen.Count < wanted;)
        {
            // Of a thousand contributions this takes minutes.
            cancellationToken.ThrowIfCancellationRequested();
            var scores = Krum.Scores(squares, left, byzantine);
            var best = left[Array.IndexOf(scores, scores.Min())];
            chosen.Add(best);
            left.Remove(best);
        }
        var sources = chosen.Order().Select(i => input.Sources[i]).ToArray();
        var weights = BlockRules.Pass(sources, new NearMedian(chosen.Count - (2 * byzantine)), input.Threads, cancellationToken);
        return new Combined(weights, Krum.LeftOut(input.Sources.Count, chosen, _ => "Krum did not choose it"));
    }

    private sealed class NearMedian(int nearest) : ColumnRule
    {
        protected override double Combine(ReadOnlySpan<double> sorted)
        {
            var median = MedianOf(sorted);
            // The nearest lie side by side: as long as the next above is nearer than the lowest, all move up.
            var first = 0;
            while (first + nearest < sorted.Length && sorted[first + nearest] - median < median - sorted[first])
                first++;
            return MeanOf(sorted.Slice(first, nearest));
        }
    }
}
