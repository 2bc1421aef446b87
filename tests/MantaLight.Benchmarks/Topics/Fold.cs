using MantaLight.Aggregation;
using MantaLight.Aggregation.Blocks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The weighted mean in both ways that FedAvg makes it; dispose it when done.</summary>
internal static class Fold
{
    /// <summary>One model after the other, each checked and folded in one read.</summary>
    public static NamedArrays Arriving(NamedArrays[] models, long[] samples, int threads)
    {
        using var mean = new WeightedMean(models[0]) { Threads = threads };
        for (var i = 0; i < models.Length; i++)
        {
            if (!mean.TryFold(Source(models[i]), samples[i]))
                throw new InvalidOperationException("A model has no mean.");
        }
        return mean.Finish();
    }

    /// <summary>A block of each at a time.</summary>
    public static NamedArrays AtOnce(NamedArrays[] models, long[] samples, int threads) =>
        BlockPass.Run([.. models.Select(Source)], new MeanRule(samples), threads, CancellationToken.None)!;

    private static WeightsSource Source(NamedArrays model) => WeightsSource.Of(new NamedArrays(model));
}
