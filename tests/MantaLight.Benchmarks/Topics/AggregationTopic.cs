using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Blocks;
using MantaLight.Benchmarks.Report;
using MantaLight.Weights;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The weighted mean of 100 models, as they arrive and of all at once, beside one read of them.</summary>
internal static class AggregationTopic
{
    private const int Participants = 100;
    private const int Runs = 7;

    public static IEnumerable<Row> Measure()
    {
        NamedArrays[] models = [.. Enumerable.Range(0, Participants).Select(Models.Create)];
        long[] samples = [.. Enumerable.Range(1, Participants).Select(n => (long)n)];
        var cores = Environment.ProcessorCount;
        var times = Sample.SecondsInTurn(
            Runs,
            () => ReadAll(models, 1),
            () => ReadAll(models, cores),
            () => Arriving(models, samples),
            () => BlockPass.Run(models, new MeanRule(samples), 1, CancellationToken.None)!.Dispose(),
            () => BlockPass.Run(models, new MeanRule(samples), cores, CancellationToken.None)!.Dispose());
        var (read, readAll, arriving, blocks, blocksAll) = (Ms(times[0]), Ms(times[1]), Ms(times[2]), Ms(times[3]), Ms(times[4]));
        var peer = Peer.Run("aggregation", []);
        var mean = peer.GetValueOrDefault("np_mean");
        yield return RowOf("aggregation.as_they_arrive", arriving, read, mean, 2);
        yield return RowOf("aggregation.all_at_once", blocks, read, mean, 4);
        yield return RowOf("aggregation.all_at_once_all_cores", blocksAll, readAll, mean, 4);
        yield return new Row
        {
            Name = "aggregation.share_of_bandwidth", Value = read.Median / blocks.Median * 100, Unit = "% of one read's", Ratio = readAll.Median / blocksAll.Median * 100,
            Target = "at least 75 %", Met = read.Median / blocks.Median >= 0.75, Note = "On one core; the ratio is that of all cores.",
        };
        if (peer.GetValueOrDefault("in_place") is { } inPlace)
            yield return new Row { Name = "aggregation.peer_in_place", Value = inPlace.Median, Spread = inPlace.Spread, Unit = "ms", Note = "numpy, multiplied and added in place one model after the other." };
        yield return Memory(models, samples);
    }

    private static Row Memory(NamedArrays[] models, long[] samples)
    {
        var model = models[0].TotalBytes;
        var before = GC.GetTotalAllocatedBytes(precise: true);
        Arriving(models, samples);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        return new Row
        {
            Name = "aggregation.memory", Value = (double)allocated / model, Unit = "models", Target = "at most 3, whatever the number", Met = allocated <= 3 * model,
            Note = "Allocated for the mean of 100 models as they arrive, the result included.",
        };
    }

    private static void Arriving(NamedArrays[] models, long[] samples)
    {
        var mean = new WeightedMean(models[0]);
        for (var i = 0; i < models.Length; i++)
            mean.Add(models[i], samples[i]);
        mean.ToArrays().Dispose();
    }

    private static void ReadAll(NamedArrays[] models, int threads)
    {
        var sum = 0L;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread =>
        {
            var own = 0L;
            foreach (var array in models.Where((_, i) => i % threads == thread).SelectMany(m => m))
                own += TensorPrimitives.Sum<int>(MemoryMarshal.Cast<byte, int>(array.Data.Span));
            Interlocked.Add(ref sum, own);
        });
    }

    private static Sample Ms(Sample seconds) => seconds.Select(s => s * 1000);

    private static Row RowOf(string name, Sample value, Sample read, Sample? mean, double least) => new()
    {
        Name = name, Value = value.Median, Spread = value.Spread, Unit = "ms", Floor = read.Median, Peer = mean is null ? null : "numpy np.mean of the list", PeerValue = mean?.Median,
        Ratio = mean?.Median / value.Median, Target = FormattableString.Invariant($"at least {least} x numpy's speed"), Met = mean is null ? null : mean.Median / value.Median >= least,
    };
}
