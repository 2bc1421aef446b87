using MantaLight.Aggregation.Plans;
using MantaLight.Aggregation.Rules;

namespace MantaLight.Aggregation;

/// <summary>What a plan does with contributions before the server's step: they are shortened, and combined.</summary>
internal static class Combination
{
    /// <param name="plan">The plan.</param>
    /// <param name="input">Contributions, in node-id order, and how long their differences from the model before may be.</param>
    /// <param name="cancellationToken">Ends it between blocks.</param>
    public static Combined Run(AggregationPlan plan, RuleInput input, CancellationToken cancellationToken)
    {
        if (input.Clip is not { } most || input.Sources.Count == 0)
            return plan.Rule.Combine(input, cancellationToken);
        var norms = Geometry.DistancesTo(input.Reference!, input.Sources, input.Threads, cancellationToken);
        ClippedSource[] clipped = [.. input.Sources.Zip(norms, (source, norm) => new ClippedSource(source, input.Reference!, ClippedSource.ScaleOf(norm, most)))];
        try
        {
            return plan.Rule.Combine(input with { Sources = clipped }, cancellationToken) with { Lengths = norms };
        }
        finally
        {
            foreach (var source in clipped)
                source.Dispose();
        }
    }
}
