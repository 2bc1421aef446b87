using System.Runtime.InteropServices;
using CsCheck;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Blocks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

public sealed class BlockPassTests
{
    [Fact]
    public void The_mean_of_all_at_once_has_the_bits_of_the_mean_as_they_arrive_whatever_threads_blocks_and_sources() =>
        (from seed in Gen.Int
         from count in Gen.Int[1, 11]
         from threads in Gen.Int[1, 4]
         from elements in Gen.Frequency((1, Gen.Int[1, 40]), (2, Gen.Int[41, 5000]))
         from inFiles in Gen.Bool
         select (seed, count, threads, elements, inFiles)).Sample(
            c =>
            {
                var (contributions, samples) = EveryType(c.seed, c.count);
                using var expected = Arriving(contributions, samples);
                using var files = c.inFiles ? new BlobFiles() : null;
                var sources = Sources(contributions, files);
                using var mean = BlockPass.Run(sources, new MeanRule(samples), c.elements, c.threads, TestContext.Current.CancellationToken);
                AssertIdentical(expected, mean!);
                sources.ForEach(s => s.Dispose());
            },
            iter: 60);

    [Fact]
    public void The_mean_of_files_as_they_arrive_has_the_bits_of_the_mean_in_memory()
    {
        using var files = new BlobFiles();
        var (contributions, samples) = EveryType(seed: 11, count: 4);
        using var expected = Arriving(contributions, samples);
        using var mean = new WeightedMean();
        foreach (var (weights, weight) in contributions.Zip(samples))
        {
            using var source = files.Open(weights);
            mean.Add(source, weight);
        }
        using var actual = mean.Finish();
        AssertIdentical(expected, actual);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Any_number_of_threads_folds_a_large_model_to_the_bits_of_a_plain_loop(int threads)
    {
        var random = new Random(5);
        var models = Enumerable.Range(0, 3).Select(_ => Many(1_500_007, () => random.NextSingle() - 0.5f)).ToArray();
        using var folded = new WeightedMean { Threads = threads };
        foreach (var (model, samples) in models.Zip([3L, 5L, 7L]))
            folded.Add(Of(Floats("w", model)), samples);
        using var mean = folded.Finish();
        var values = mean["w"].Span<float>();
        var differing = 0;
        for (var i = 0; i < values.Length; i++)
            differing += values[i] == (float)(((models[0][i] * 3.0) + (models[1][i] * 5.0) + (models[2][i] * 7.0)) / 15) ? 0 : 1;
        Assert.Equal(0, differing);
    }

    [Fact]
    public void A_median_over_files_holds_a_block_of_each_contribution_and_no_more()
    {
        using var files = new BlobFiles();
        var random = new Random(3);
        const int Count = 9, Length = 20_011, Elements = 512;
        var models = Enumerable.Range(0, Count).Select(_ => Many(Length, () => random.NextSingle())).ToArray();
        var sources = Sources([.. models.Select(m => Of(Floats("w", m)))], files);
        var rule = new MedianRule();

        using var median = BlockPass.Run(sources, rule, Elements, threads: 3, TestContext.Current.CancellationToken);

        var expected = Enumerable.Range(0, Length).Select(i => models.Select(m => m[i]).Order().ElementAt(Count / 2)).ToArray();
        Assert.Equal(expected, median!["w"].Span<float>().ToArray());
        Assert.Equal(Count * Elements * sizeof(float), rule.MostHeld);
        sources.ForEach(s => s.Dispose());
    }

    [Theory]
    [InlineData("w", float.NaN, 2)]
    [InlineData("w", float.PositiveInfinity, 6)]
    [InlineData("tail", float.NegativeInfinity, 0)]
    public void A_value_that_has_no_mean_is_noticed_wherever_it_is(string array, float value, int contribution)
    {
        var (contributions, samples) = EveryType(seed: 3, count: 7);
        var spoiled = MemoryMarshal.AsMemory(contributions[contribution][array].Data);
        BitConverter.TryWriteBytes(spoiled.Span[^4..], value);
        Assert.Null(BlockPass.Run(Sources(contributions, null), new MeanRule(samples), 2, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_float64_too_large_to_be_weighed_and_a_boolean_that_is_none_are_noticed()
    {
        Assert.Null(BlockPass.Run(Sources([Of(Array("d", ArrayType.Float64, 1.0, 1e291))], null), new MeanRule([1]), 1, TestContext.Current.CancellationToken));
        Assert.Null(BlockPass.Run(Sources([Of(Array("b", ArrayType.Bool, (byte)2))], null), new MeanRule([1]), 1, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_file_that_is_cut_while_it_is_read_is_told_as_damaged_by_any_number_of_threads(int threads)
    {
        using var files = new BlobFiles();
        using var source = files.OpenCut(Of(Floats("w", Many(100_000, () => 1f))), 5);
        Assert.Throws<MalformedDataException>(() => BlockPass.Run([source], new MeanRule([1]), threads, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_cancelled_pass_ends() => Assert.ThrowsAny<OperationCanceledException>(
        () => BlockPass.Run(Sources([Of(Floats("w", Many(100_000, () => 1f)))], null), new MeanRule([1]), 3, new CancellationToken(canceled: true)));

    private static List<WeightsSource> Sources(NamedArrays[] contributions, BlobFiles? files) =>
        [.. contributions.Select(c => files?.Open(c) ?? WeightsSource.Of(c))];

    private static NamedArrays Arriving(NamedArrays[] contributions, long[] samples)
    {
        using var mean = new WeightedMean();
        foreach (var (weights, weight) in contributions.Zip(samples))
            mean.Add(weights, weight);
        return mean.Finish();
    }

    /// <summary>Arrays of every type, of lengths that no vector divides, one of them longer than some blocks and some without elements.</summary>
    private static (NamedArrays[] Contributions, long[] Samples) EveryType(int seed, int count)
    {
        var random = new Random(seed);
        var long1 = random.Next(1, 20_000);
        return ([.. Enumerable.Range(0, count).Select(_ => Of(
            Floats("none"),
            Floats("w", Many(long1, () => (random.NextSingle() - 0.5f) * MathF.Pow(2, random.Next(-100, 100)))),
            Array("h", ArrayType.Float16, Many(101, () => (Half)random.NextSingle())),
            Array("br", ArrayType.BFloat16, Many(103, () => BrainFloat.Round(random.NextDouble()))),
            Array("d", ArrayType.Float64, Many(2051, () => random.NextDouble() * 1e200)),
            Array("i64", ArrayType.Int64, Many(51, random.NextInt64)),
            Array("i32", ArrayType.Int32, Many(53, random.Next)),
            Array("i16", ArrayType.Int16, Many(57, () => (short)random.Next(-1000, 1000))),
            Array("i8", ArrayType.Int8, Many(59, () => (sbyte)random.Next(-128, 127))),
            Array("u8", ArrayType.UInt8, Many(61, () => (byte)random.Next(256))),
            Array("flag", ArrayType.Bool, Many(67, () => (byte)random.Next(2))),
            Array("none2", ArrayType.Int32, System.Array.Empty<int>()),
            Floats("tail", Many(7, () => random.NextSingle())),
            Floats("none3")))], [.. Enumerable.Range(0, count).Select(_ => random.NextInt64(1, 100_000))]);
    }

    private static T[] Many<T>(int count, Func<T> next) => [.. Enumerable.Range(0, count).Select(_ => next())];
}
