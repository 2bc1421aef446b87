using System.Globalization;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// Centered clipping (Karimireddy, He and Jaggi 2021, "Learning from History for Byzantine Robust Optimization", Algorithm 2): v ← v + (1/n) Σ (x - v) min(1, τ/‖x - v‖), some times,
/// from the model before on.
/// </summary>
/// <param name="radius">τ, above 0.</param>
/// <param name="iterations">How many times, at least 1; 1 to 3 are usual.</param>
internal sealed class CenteredClipping(double radius, int iterations) : IAggregationRule
{
    /// <inheritdoc/>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"centered_clip {radius} iterations={iterations}");

    /// <inheritdoc/>
    public bool IsWeighted => false;

    /// <inheritdoc/>
    public bool NeedsReference => true;

    /// <inheritdoc/>
    public string? TooFew(int contributions) => null;

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken)
    {
        var count = input.Sources.Count;
        NamedArrays? center = null;
        try
        {
            for (var i = 0; i < iterations; i++)
            {
                using var kept = center is null ? null : WeightsSource.Of(center);
                var from = kept ?? input.Reference!;
                var distances = Geometry.DistancesTo(from, input.Sources, input.Threads, cancellationToken);
                var parts = Array.ConvertAll(distances, distance => Math.Min(1, radius / Math.Max(distance, double.Epsilon)));
                // v + (1/n) Σ s (x - v) is a blend: (n - Σ s) v + Σ s x, over n.
                center = BlockRules.Pass([.. input.Sources, from], new Blend([.. parts, count - parts.Sum()], count), input.Threads, cancellationToken);
            }
            return new Combined(center!, []);
        }
        catch
        {
            center?.Dispose();
            throw;
        }
    }
}
