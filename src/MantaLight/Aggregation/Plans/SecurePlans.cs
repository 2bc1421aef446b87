using MantaLight.SecureAggregation;

namespace MantaLight.Aggregation.Plans;

/// <summary>Which plans go with secure aggregation: those that need no more than a mean.</summary>
internal static class SecurePlans
{
    /// <summary>Why a plan does not; null where it does.</summary>
    public static string? Misfit(AggregationPlan? plan, AggregationOptions tags, SecureOptions options)
    {
        if (tags.Contributions != options.Tag || tags.Global != options.Global)
            return $"combines '{tags.Contributions}' into '{tags.Global}' where 'secure_aggregation' masks '{options.Tag}' as differences from '{options.Global}': give both the same tags";
        if (tags.WhenEmpty != EmptyRound.Fail)
            return "keeps the model where nobody contributes, and a secure sum of fewer than 3 fails: leave 'when_empty' out, or set rounds.on_shortfall to 'skip'";
        if (plan is null)
            return "looks at contributions one by one, and secure aggregation shows their sum alone: a mean can be had (FedAvg, FedAvgM, FedAdagrad, FedAdam, FedYogi, Aggregate)";
        if (plan.Clip is not null || plan.Adaptive is not null)
            return $"'{(plan.Clip is null ? AdaptiveClip.Name : "clip")}' shortens contributions one by one, and secure aggregation shows none: leave it out; 'range' in 'secure_aggregation' bounds each element at its node";
        if (plan.Rule.Privacy is not null)
            return "'private_mean' clips contributions one by one and adds its noise to their sum, and secure aggregation shows only the sum without noise: use one of the two";
        if (plan.Rule is not Rules.Mean)
            return $"'{plan.Rule.Text}' looks at contributions one by one, and secure aggregation shows their sum alone: the rule can be 'mean' or 'mean weights=uniform'";
        if (plan.Rule.IsWeighted != options.Weighted)
            return $"'{plan.Rule.Text}' goes with \"weighted\": {(plan.Rule.IsWeighted ? "true" : "false")} in 'secure_aggregation': contributions are weighted before they are masked";
        return null;
    }
}
