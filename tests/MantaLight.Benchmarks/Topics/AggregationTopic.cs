using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MantaLight.Benchmarks.Report;
using MantaLight.Weights;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The weighted mean of 100 models, as they arrive and of all at once, beside one read of them.</summary>
internal static class AggregationTopic
{
    private const int Participants = 100;
    private const int Runs = 7;

    private const string OneByOne = "each value is checked for NaN and added to a float64 sum in the same pass, and the sums, 5.4 MB, are read and written for each model.";
    private const string Together = "values are widened, weighted and added in float64, with a check for NaN, where numpy adds float32 as they are.";

    /// <summary>The rows, without the topic's name.</summary>
    public static IReadOnlyList<string> Rows { get; } =
    [
        "as_they_arrive", "as_they_arrive_all_cores", "all_at_once", "all_at_once_all_cores", "share_of_bandwidth", "share_of_bandwidth_all_cores", "peer_in_place",
    ];

    public static IEnumerable<Row> Measure()
    {
        NamedArrays[] models = [.. Enumerable.Range(0, Participants).Select(Models.Create)];
        long[] samples = [.. Enumerable.Range(1, Participants).Select(n => (long)n)];
        var cores = Environment.ProcessorCount;
        var times = Sample.SecondsInTurn(
            Runs,
            () => ReadAll(models, 1),
            () => ReadAll(models, cores),
            () => Fold.Arriving(models, samples, 1).Dispose(),
            () => Fold.Arriving(models, samples, cores).Dispose(),
            () => Fold.AtOnce(models, samples, 1).Dispose(),
            () => Fold.AtOnce(models, samples, cores).Dispose());
        var (read, readAll) = (Ms(times[0]), Ms(times[1]));
        var (blocks, blocksAll) = (Ms(times[4]), Ms(times[5]));
        var peer = Peer.Run("aggregation", []);
        var mean = peer.GetValueOrDefault("np_mean");
        yield return RowOf("aggregation.as_they_arrive", Ms(times[2]), read, mean, 2, OneByOne, "On one core, one model after the other, each checked and folded in one read.");
        yield return RowOf("aggregation.as_they_arrive_all_cores", Ms(times[3]), readAll, mean, 2, OneByOne);
        yield return RowOf("aggregation.all_at_once", blocks, read, mean, 4, Together);
        yield return RowOf("aggregation.all_at_once_all_cores", blocksAll, readAll, mean, 4, Together);
        yield return Share("aggregation.share_of_bandwidth", read, blocks);
        yield return Share("aggregation.share_of_bandwidth_all_cores", readAll, blocksAll);
        if (peer.GetValueOrDefault("in_place") is { } inPlace)
            yield return Row.Of("aggregation.peer_in_place", inPlace, "ms") with { Note = "numpy, multiplied and added in place one model after the other." };
    }

    private static Row Share(string name, Sample read, Sample blocks) => new Row
    {
        Name = name, Value = read.Median / blocks.Median * 100, Unit = "% of one read's", Target = "at least 75 %",
    }.AtLeast(
        read.Median / blocks.Median, 0.75,
        "checks for NaN, weights and float64 sums are in the same pass: where memory delivers faster than a core does these, they take the time.");

    private static void ReadAll(NamedArrays[] models, int threads)
    {
        var sum = 0L;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread =>
        {
            var own = 0L;
            foreach (var array in models.Where((_, i) => i % threads == thread).SelectMany(m => m))
                own += Read(MemoryMarshal.Cast<byte, Vector<long>>(array.Data.Span));
            Interlocked.Add(ref sum, own);
        });
    }

    // Compiled once, as the sums are: a profile of its first calls would make the floor too high.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long Read(ReadOnlySpan<Vector<long>> data)
    {
        var (a, b, c, d) = (Vector<long>.Zero, Vector<long>.Zero, Vector<long>.Zero, Vector<long>.Zero);
        for (var i = 0; i <= data.Length - 4; i += 4)
            (a, b, c, d) = (a ^ data[i], b ^ data[i + 1], c ^ data[i + 2], d ^ data[i + 3]);
        return Vector.Sum(a ^ b ^ c ^ d);
    }

    private static Sample Ms(Sample seconds) => seconds.Select(s => s * 1000);

    private static Row RowOf(string name, Sample value, Sample read, Sample? mean, double least, string why, string? note = null)
    {
        var row = (Row.Of(name, value, "ms") with
        {
            Ratio = mean?.Median / value.Median, Target = FormattableString.Invariant($"at least {least} x numpy's speed"), Note = note,
        }).Above(read).Beside("numpy np.mean of the list", mean);
        return mean is null ? row : row.AtLeast(
            row.Ratio!.Value, least, FormattableString.Invariant($"numpy takes {mean.Median / read.Median:F1} times a core's read here, {least} x its speed is {mean.Median / read.Median / least:F1} times; {why}"));
    }
}
