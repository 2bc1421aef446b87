namespace MantaLight.Aggregation.Rules;

/// <summary>The mean by a number that each node tells, in place of its samples.</summary>
/// <param name="metric">Where it is, as TAG.KEY; above 0.</param>
internal sealed class MeanBy(string metric) : IAggregationRule
{
    /// <inheritdoc/>
    public string Text => $"mean weights={metric}";

    /// <inheritdoc/>
    public bool IsWeighted => true;

    /// <inheritdoc/>
    public bool NeedsReference => false;

    /// <inheritdoc/>
    public string Metric => metric;

    /// <inheritdoc/>
    public string? TooFew(int contributions) => null;

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken) =>
        BlockRules.Run(input, new Blend([.. input.Metric!], input.Metric!.Sum()), cancellationToken);
}
