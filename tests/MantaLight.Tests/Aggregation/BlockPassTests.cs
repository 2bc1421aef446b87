using MantaLight.Aggregation;
using MantaLight.Aggregation.Blocks;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

public sealed class BlockPassTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_mean_of_all_at_once_has_the_bits_of_the_mean_as_they_arrive(int threads)
    {
        var (contributions, samples) = Random(seed: 7, count: 5);
        var arriving = new WeightedMean();
        for (var i = 0; i < contributions.Length; i++)
            arriving.Add(contributions[i], samples[i]);
        using var expected = arriving.ToArrays();
        using var mean = BlockPass.Run(contributions, new MeanRule(samples), threads, TestContext.Current.CancellationToken);
        AssertIdentical(expected, mean!);
    }

    [Theory]
    [InlineData("w", float.NaN)]
    [InlineData("w", float.PositiveInfinity)]
    [InlineData("tail", float.NegativeInfinity)]
    public void A_value_that_has_no_mean_is_noticed_wherever_it_is(string array, float value)
    {
        var (contributions, samples) = Random(seed: 3, count: 4);
        var spoiled = System.Runtime.InteropServices.MemoryMarshal.AsMemory(contributions[2][array].Data);
        BitConverter.TryWriteBytes(spoiled.Span[^4..], value);
        Assert.Null(BlockPass.Run(contributions, new MeanRule(samples), 2, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_float64_too_large_to_be_weighed_and_a_boolean_that_is_none_are_noticed()
    {
        Assert.Null(BlockPass.Run([Of(Array("d", ArrayType.Float64, 1.0, 1e291))], new MeanRule([1]), 1, TestContext.Current.CancellationToken));
        Assert.Null(BlockPass.Run([Of(Array("b", ArrayType.Bool, (byte)2))], new MeanRule([1]), 1, TestContext.Current.CancellationToken));
    }

    /// <summary>Arrays of every type, one of them longer than some blocks and one without elements.</summary>
    private static (NamedArrays[] Contributions, long[] Samples) Random(int seed, int count)
    {
        var random = new Random(seed);
        return ([.. Enumerable.Range(0, count).Select(_ => Of(
            Floats("w", Many((BlockPass.Elements * 20) + 5, () => random.NextSingle() - 0.5f)),
            Floats("none"),
            Array("h", ArrayType.Float16, Many(100, () => (Half)random.NextSingle())),
            Array("br", ArrayType.BFloat16, Many(100, () => BrainFloat.Round(random.NextDouble()))),
            Array("d", ArrayType.Float64, Many(BlockPass.Elements, () => random.NextDouble() * 1e200)),
            Array("i64", ArrayType.Int64, Many(50, random.NextInt64)),
            Array("i32", ArrayType.Int32, Many(50, random.Next)),
            Array("i16", ArrayType.Int16, Many(50, () => (short)random.Next(-1000, 1000))),
            Array("i8", ArrayType.Int8, Many(50, () => (sbyte)random.Next(-128, 127))),
            Array("u8", ArrayType.UInt8, Many(50, () => (byte)random.Next(256))),
            Array("flag", ArrayType.Bool, Many(50, () => (byte)random.Next(2))),
            Array("none2", ArrayType.Int32, System.Array.Empty<int>()),
            Floats("tail", Many(7, () => random.NextSingle()))))], [.. Enumerable.Range(0, count).Select(_ => random.NextInt64(1, 100_000))]);
    }

    private static T[] Many<T>(int count, Func<T> next) => [.. Enumerable.Range(0, count).Select(_ => next())];
}
