using MantaLight.Aggregation.Blocks;

namespace MantaLight.Aggregation.Rules;

/// <summary>The mean (McMahan et al. 2017, Algorithm 1), by samples or of all alike. One contribution can bend it anywhere.</summary>
/// <param name="isWeighted">Whether a contribution weighs as much as it has samples.</param>
internal sealed class Mean(bool isWeighted) : IAggregationRule
{
    /// <inheritdoc/>
    public string Text => isWeighted ? "mean" : "mean weights=uniform";

    /// <inheritdoc/>
    public bool IsWeighted => isWeighted;

    /// <inheritdoc/>
    public bool NeedsReference => false;

    /// <inheritdoc/>
    public string? TooFew(int contributions) => null;

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken) =>
        BlockRules.Run(input, new MeanRule(isWeighted ? input.Weights : [.. input.Weights.Select(_ => 1L)]), cancellationToken);
}
