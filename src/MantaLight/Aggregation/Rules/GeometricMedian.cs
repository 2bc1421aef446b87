using System.Globalization;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// The geometric median by the smoothed Weiszfeld algorithm (Pillutla, Kakade and Harchaoui 2019, "Robust Aggregation for Federated Learning", Algorithm 2): from the weighted mean on,
/// z = Σ β x / Σ β with β = w / max(ν, ‖z - x‖), some times.
/// </summary>
/// <param name="iterations">How many times, at least 1; the paper's is 3.</param>
/// <param name="smoothing">ν, above 0; the paper's is 1e-6.</param>
/// <param name="isWeighted">Whether w is a contribution's samples, or the same for all.</param>
internal sealed class GeometricMedian(int iterations, double smoothing, bool isWeighted) : IAggregationRule
{
    /// <inheritdoc/>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"geometric_median iterations={iterations} smoothing={smoothing}{(isWeighted ? "" : " weights=uniform")}");

    /// <inheritdoc/>
    public bool IsWeighted => isWeighted;

    /// <inheritdoc/>
    public bool NeedsReference => false;

    /// <inheritdoc/>
    public string? TooFew(int contributions) => null;

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken)
    {
        var shares = ShareOf(input);
        var middle = Mean(input, shares, cancellationToken);
        for (var i = 0; i < iterations; i++)
        {
            double[] distances;
            using (var source = WeightsSource.Of(middle))
                distances = Geometry.DistancesTo(source, input.Sources, input.Threads, cancellationToken);
            middle = Mean(input, [.. shares.Zip(distances, (share, distance) => share / Math.Max(smoothing, distance))], cancellationToken);
        }
        return new Combined(middle, []);
    }

    private double[] ShareOf(RuleInput input)
    {
        var total = isWeighted ? input.Weights.Sum() : input.Sources.Count;
        return [.. input.Weights.Select(w => (isWeighted ? w : 1.0) / total)];
    }

    private static NamedArrays Mean(RuleInput input, double[] shares, CancellationToken cancellationToken) =>
        BlockRules.Pass(input.Sources, new Blend(shares, shares.Sum()), input.Threads, cancellationToken);
}
