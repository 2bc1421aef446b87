using System.Buffers;
using System.Security.Cryptography;
using MantaLight.Benchmarks.Report;
using MantaLight.Weights;

namespace MantaLight.Benchmarks.Topics;

/// <summary>Whether the order of contributions, their arriving one by one or all at once, and the number of threads show in the bits of their mean.</summary>
internal static class AggregationOrder
{
    private const int Participants = 100;
    private const int Permutations = 4;
    private static readonly int[] Threads = [1, 2];

    public static IEnumerable<Row> Measure(int run)
    {
        NamedArrays[] models = [.. Enumerable.Range(run * Participants, Participants).Select(Models.Create)];
        long[] samples = [.. Enumerable.Range(1, Participants).Select(n => (long)n)];
        var results = Orders(run).SelectMany(order => Hashes([.. order.Select(i => models[i])], [.. order.Select(i => samples[i])])).Distinct(StringComparer.Ordinal).Count();
        yield return new Row
        {
            Name = "aggregation.same_bits", Value = results, Unit = "different results", Target = "1, in whichever order",
            Note = $"{Participants} models in the order of their nodes' ids, reversed, and in {Permutations} random orders; each one by one and all at once, on 1 and 2 threads.",
        }.AtMost(results, 1, "sums in float64 are rounded, so that an order shows; nodes fold in the order of ids, whoever comes first, for this reason.");
    }

    private static IEnumerable<int[]> Orders(int seed)
    {
        int[] ids = [.. Enumerable.Range(0, Participants)];
        yield return ids;
        yield return [.. ids.Reverse()];
        var random = new Random(seed);
        for (var i = 0; i < Permutations; i++)
        {
            var order = ids.ToArray();
            random.Shuffle(order);
            yield return order;
        }
    }

    private static IEnumerable<string> Hashes(NamedArrays[] models, long[] samples) =>
        Threads.SelectMany(t => new[] { Hash(Fold.Arriving(models, samples, t)), Hash(Fold.AtOnce(models, samples, t)) });

    private static string Hash(NamedArrays mean)
    {
        using (mean)
            return Convert.ToHexStringLower(SHA256.HashData(WeightsCodec.Encode(mean).ToArray()));
    }
}
