using MantaLight.Aggregation.Blocks;
using MantaLight.Concurrency;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation;

/// <summary>The mean of contributions that are all on this node: one read of them, and no sums of a whole model.</summary>
internal static class MeanAtOnce
{
    /// <summary>How many are read at once: each file stays open, and a process may have so many.</summary>
    private const int Most = 512;

    /// <summary>Takes the mean.</summary>
    /// <param name="contributions">In node-id order.</param>
    /// <param name="expected">Says what a contribution must look like; it is not added to.</param>
    /// <param name="cancellationToken">Ends it between blocks.</param>
    /// <returns>The mean, to be disposed; null where not all contributions are here, or one is to be refused.</returns>
    public static async Task<NamedArrays?> TryRunAsync(IReadOnlyList<Result> contributions, WeightedMean expected, CancellationToken cancellationToken)
    {
        if (contributions.Count is < 2 or > Most || contributions.Any(c => c.Samples is null or < 1 || !c.IsHere))
            return null;
        var samples = contributions.Select(c => c.Samples!.Value).ToArray();
        if (samples.Aggregate((UInt128)0, (sum, s) => sum + (ulong)s) > WeightedMean.MaximumSamples)
            return null;
        var sources = new List<WeightsSource>(contributions.Count);
        try
        {
            foreach (var contribution in contributions)
            {
                sources.Add(await contribution.OpenWeightsAsync(cancellationToken));
                if (WeightsSource.Difference(expected.Layout ?? sources[0].Layout, sources[^1].Layout) is not null)
                    return null;
            }
            return BlockPass.Run(sources, new MeanRule(samples), Workers.For(sources[0].Layout.Sum(a => a.Length) * sources.Count), cancellationToken);
        }
        catch (Exception e) when (e is MalformedDataException or IncompatibleWeightsException)
        {
            // Which one it is, and why, is told by who looks at each.
            return null;
        }
        finally
        {
            sources.ForEach(s => s.Dispose());
        }
    }
}
