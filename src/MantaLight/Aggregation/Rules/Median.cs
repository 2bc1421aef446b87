using MantaLight.Aggregation.Blocks;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// The coordinate-wise median (Yin et al. 2018, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates", Definition 1): of an even number the mean of the two in the middle.
/// </summary>
internal sealed class Median : ColumnRule, IAggregationRule
{
    /// <inheritdoc/>
    public string Text => "median";

    /// <inheritdoc/>
    public bool IsWeighted => false;

    /// <inheritdoc/>
    public bool NeedsReference => false;

    /// <inheritdoc/>
    public string? TooFew(int contributions) => null;

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken) => BlockRules.Run(input, this, cancellationToken);

    /// <inheritdoc/>
    protected override double Combine(ReadOnlySpan<double> sorted) => MedianOf(sorted);
}
