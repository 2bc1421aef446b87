using System.Globalization;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// The coordinate-wise trimmed mean (Yin et al. 2018, Definition 2): of each element the b largest and the b smallest values are dropped, and the rest are averaged.
/// </summary>
/// <param name="share">The share of contributions that is dropped at each end, 0 to below one half, rounded up to a whole number; null where <paramref name="number"/> says how many.</param>
/// <param name="number">b, where it is given itself.</param>
internal sealed class TrimmedMean(double? share, int? number) : IAggregationRule
{
    /// <inheritdoc/>
    public string Text => share is { } part ? string.Create(CultureInfo.InvariantCulture, $"trimmed_mean {part}") : string.Create(CultureInfo.InvariantCulture, $"trimmed_mean b={number}");

    /// <inheritdoc/>
    public bool IsWeighted => false;

    /// <inheritdoc/>
    public bool NeedsReference => false;

    /// <inheritdoc/>
    public string? TooFew(int contributions) =>
        2L * Dropped(contributions) < contributions ? null : $"'{Text}' drops {Dropped(contributions)} at each end, which leaves none of {contributions}";

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken) =>
        BlockRules.Run(input, new Columns(Dropped(input.Sources.Count)), cancellationToken);

    // A share that is a whole number but for rounding is that number.
    private int Dropped(int contributions) => number ?? (int)Math.Ceiling((share!.Value * contributions) - 1e-9);

    private sealed class Columns(int dropped) : ColumnRule
    {
        protected override double Combine(ReadOnlySpan<double> sorted) => MeanOf(sorted[dropped..^dropped]);
    }
}
