namespace MantaLight.Aggregation.Rules;

/// <summary>
/// Normalized averaging (Wang et al. 2020, "Tackling the Objective Inconsistency Problem in Heterogeneous Federated Optimization", equation 8): w += τ_eff Σ p_i d_i / a_i, with p_i a node's share of all
/// samples, d_i its difference from the model before, a_i how far its local steps reach (‖a‖₁), and τ_eff = Σ p_i a_i. Who makes more steps does not pull harder.
/// </summary>
/// <param name="metric">Where a_i is, as TAG.KEY.</param>
internal sealed class NormalizedMean(string metric) : IAggregationRule
{
    /// <summary>Where this library's workers tell it.</summary>
    public const string UsualMetric = "train_metrics.normalizer";

    /// <inheritdoc/>
    public string Text => metric == UsualMetric ? "fed_nova" : $"fed_nova metric={metric}";

    /// <inheritdoc/>
    public bool IsWeighted => true;

    /// <inheritdoc/>
    public bool NeedsReference => true;

    /// <inheritdoc/>
    public string Metric => metric;

    /// <inheritdoc/>
    public string? TooFew(int contributions) => null;

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken)
    {
        double total = input.Weights.Sum();
        var shares = input.Weights.Select(w => w / total).ToArray();
        var effective = shares.Zip(input.Metric!, (share, reach) => share * reach).Sum();
        double[] parts = [.. shares.Zip(input.Metric!, (share, reach) => effective * share / reach)];
        // w + Σ c (x - w) is a blend: (1 - Σ c) w + Σ c x.
        var blend = new Blend([.. parts, 1 - parts.Sum()], 1);
        return new Combined(BlockRules.Pass([.. input.Sources, input.Reference!], blend, input.Threads, cancellationToken), []);
    }
}
