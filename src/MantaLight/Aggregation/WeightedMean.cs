using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>
/// The sample-weighted mean of weights, folded one contribution at a time: memory is that of one model in float64,
/// however many contribute. For one order of contributions the result is the same to the last bit on every machine:
/// floats accumulate in float64, element by element, by a multiplication and an addition that are rounded separately
/// (never fused, never reduced across lanes); integers accumulate exactly. One thread at a time.
/// </summary>
public sealed class WeightedMean
{
    /// <summary>The most samples of all contributions together: 2^53, up to which a float64 counts exactly.</summary>
    public const long MaximumSamples = 1L << 53;

    private MeanArray[]? arrays;

    /// <summary>A mean whose layout is that of its first contribution.</summary>
    public WeightedMean()
    {
    }

    /// <summary>A mean whose contributions must have the layout of <paramref name="reference"/>.</summary>
    /// <param name="reference">Only its names, types and shapes are used; it may be disposed afterwards.</param>
    public WeightedMean(NamedArrays reference) => arrays = LayoutOf(reference);

    /// <summary>How many contributions were added.</summary>
    public int Count { get; private set; }

    /// <summary>The samples of all contributions together.</summary>
    public long Samples { get; private set; }

    /// <summary>Folds a contribution; one that is refused leaves the mean as it was.</summary>
    /// <param name="weights">The contribution; it is not kept.</param>
    /// <param name="samples">Its weight, at least 1.</param>
    /// <exception cref="IncompatibleWeightsException">
    /// Other names, types, shapes or order than the reference; NaN, an infinity, or a float64 beyond 1e290 (the message
    /// names array and index); or more samples than can be counted exactly.
    /// </exception>
    public void Add(NamedArrays weights, long samples)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        if (samples > MaximumSamples - Samples)
            throw new IncompatibleWeightsException($"{samples} samples on top of {Samples} are more than a mean can weigh exactly ({MaximumSamples}).");
        var layout = arrays ?? LayoutOf(weights);
        CheckLayout(layout, weights);
        // All of it is checked before any of it is folded.
        for (var i = 0; i < layout.Length; i++)
            layout[i].Check(weights[i]);
        for (var i = 0; i < layout.Length; i++)
            layout[i].Add(weights[i], samples);
        arrays = layout;
        Samples += samples;
        Count++;
    }

    /// <summary>The mean so far, in memory of its own: floats rounded to nearest, integers to nearest, both half to even.</summary>
    /// <exception cref="InvalidOperationException">Nothing was added.</exception>
    public NamedArrays ToArrays() => Count > 0
        ? new NamedArrays(arrays!.Select(a => a.ToArray(Samples)))
        : throw new InvalidOperationException("Nothing was added to the mean.");

    private static MeanArray[] LayoutOf(NamedArrays weights) => [.. weights.Select(MeanArray.For)];

    private static void CheckLayout(MeanArray[] layout, NamedArrays weights)
    {
        for (var i = 0; i < Math.Min(layout.Length, weights.Count); i++)
        {
            if (!layout[i].Fits(weights[i]))
                throw new IncompatibleWeightsException($"Array {i} is '{weights[i]}' where '{layout[i]}' is expected.");
        }
        if (layout.Length != weights.Count)
            throw new IncompatibleWeightsException($"There are {weights.Count} arrays where {layout.Length} are expected.");
    }
}
