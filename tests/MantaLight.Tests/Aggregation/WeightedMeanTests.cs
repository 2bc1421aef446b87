using CsCheck;
using MantaLight.Aggregation;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

public sealed class WeightedMeanTests
{
    [Fact]
    public void Contributions_weigh_by_their_samples()
    {
        using var mean = new WeightedMean();
        mean.Add(Of(Floats("w", 1, 2), Floats("b", 10)), 1);
        mean.Add(Of(Floats("w", 5, 6), Floats("b", 30)), 3);

        AssertIdentical(Of(Floats("w", 4, 5), Floats("b", 25)), mean.Finish());
        Assert.Equal((2, 4L), (mean.Count, mean.Samples));
    }

    [Fact]
    public void Shapes_and_names_are_those_of_the_contributions()
    {
        using var mean = new WeightedMean();
        mean.Add(Of(new NamedArray("fc.weight", ArrayType.Float32, [2, 1], new byte[8]), new NamedArray("scale", ArrayType.Float64, [], new byte[8])), 7);

        Assert.Equal(["fc.weight: float32 [2, 1]", "scale: float64 []"], mean.Finish().Select(a => a.ToString()));
    }

    [Fact]
    public void The_mean_of_one_contribution_is_that_contribution_to_the_last_bit() =>
        Gen.Select(Gen.Float.Where(float.IsFinite).Array[0, 70], Gen.Long[1, 1L << 29]).Sample((values, samples) =>
        {
            using var mean = new WeightedMean();
            mean.Add(Of(Floats("w", values)), samples);
            // Up to 29 bits of samples a float32 times samples is exact in float64.
            Assert.Equal(values, mean.Finish()["w"].Span<float>().ToArray());
        });

    [Fact]
    public void The_mean_is_that_of_a_plain_loop_to_the_last_bit() =>
        Contributions.Sample(contributions =>
        {
            var sums = new double[contributions[0].Values.Length];
            long total = 0;
            foreach (var (values, samples) in contributions)
            {
                total += samples;
                for (var i = 0; i < sums.Length; i++)
                {
                    var product = (double)values[i] * samples;
                    sums[i] = sums[i] + product;
                }
            }
            var expected = sums.Select(s => (float)(s / total)).ToArray();

            AssertIdentical(Of(Floats("w", expected)), MeanOf(contributions));
        });

    [Fact]
    public void The_mean_is_bit_identical_however_often_it_is_made_and_whatever_was_refused_between() =>
        Contributions.Sample(contributions =>
        {
            using var disturbed = new WeightedMean();
            foreach (var (values, samples) in contributions)
            {
                float[] bad = [.. values, float.NaN];
                Assert.Throws<IncompatibleWeightsException>(() => disturbed.Add(Of(Floats("w", bad)), samples));
                disturbed.Add(Of(Floats("w", values)), samples);
            }

            AssertIdentical(MeanOf(contributions), disturbed.Finish());
            AssertIdentical(MeanOf(contributions), MeanOf(contributions));
        });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Vector512Lanes - 1)]
    [InlineData(Vector512Lanes)]
    [InlineData((2 * Vector512Lanes) + 3)]
    public void Every_length_is_averaged_to_its_last_element(int length)
    {
        var values = Enumerable.Range(0, length).Select(i => i + 0.5f).ToArray();
        using var mean = new WeightedMean();
        mean.Add(Of(Floats("w", values)), 3);
        mean.Add(Of(Floats("w", values)), 5);

        Assert.Equal(values, mean.Finish()["w"].Span<float>().ToArray());
    }

    [Fact]
    public void A_hundred_thousand_equal_contributions_do_not_drift()
    {
        using var mean = new WeightedMean();
        for (var i = 0; i < 100_000; i++)
            mean.Add(Of(Floats("w", 0.1f)), 1);

        Assert.Equal(0.1f, mean.Finish()["w"].Span<float>()[0]);
    }

    [Fact]
    public void A_contribution_with_NaN_in_its_last_array_leaves_the_mean_as_it_was()
    {
        using var mean = new WeightedMean();
        mean.Add(Of(Floats("a", 1), Floats("b", 1, 1)), 1);

        var error = Assert.Throws<IncompatibleWeightsException>(() => mean.Add(Of(Floats("a", 100), Floats("b", 100, float.NaN)), 1));

        Assert.Equal("Array 'b: float32 [2]' holds NaN at index 1; a mean needs finite values.", error.Message);
        AssertIdentical(Of(Floats("a", 1), Floats("b", 1, 1)), mean.Finish());
        Assert.Equal((1, 1L), (mean.Count, mean.Samples));
    }

    [Fact]
    public void A_refused_first_contribution_does_not_set_the_layout()
    {
        using var mean = new WeightedMean();
        Assert.Throws<IncompatibleWeightsException>(() => mean.Add(Of(Floats("other", float.PositiveInfinity)), 1));

        mean.Add(Of(Floats("w", 1)), 1);

        Assert.Equal("w", mean.Finish()[0].Name);
    }

    [Fact]
    public void Infinities_of_every_float_type_are_refused_with_array_and_index()
    {
        NamedArray[] arrays =
        [
            Array("w", ArrayType.Float32, 0f, float.NegativeInfinity),
            Array("w", ArrayType.Float64, 0.0, double.NaN),
            Array("w", ArrayType.Float64, 0.0, 1.1e290),
            Array("w", ArrayType.Float16, Half.Zero, Half.PositiveInfinity),
            Array("w", ArrayType.BFloat16, (ushort)0, (ushort)0x7FC0),
            Array("w", ArrayType.Bool, (byte)1, (byte)2),
        ];
        Assert.All(arrays, array =>
        {
            var message = Assert.Throws<IncompatibleWeightsException>(() => new WeightedMean().Add(Of(array), 1)).Message;
            Assert.StartsWith($"Array '{array}' holds ", message, StringComparison.Ordinal);
            Assert.Contains(" at index 1;", message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Another_layout_than_the_references_is_refused_with_the_first_difference()
    {
        using var mean = new WeightedMean(Of(Floats("w", 0, 0), Floats("b", 0)));
        string Refused(params NamedArray[] arrays) => Assert.Throws<IncompatibleWeightsException>(() => mean.Add(Of(arrays), 1)).Message;

        Assert.Equal("Array 0 is 'v: float32 [2]' where 'w: float32 [2]' is expected.", Refused(Floats("v", 0, 0), Floats("b", 0)));
        Assert.Equal("Array 0 is 'w: float32 [3]' where 'w: float32 [2]' is expected.", Refused(Floats("w", 0, 0, 0), Floats("b", 0)));
        Assert.Equal("Array 1 is 'b: int32 [1]' where 'b: float32 [1]' is expected.", Refused(Floats("w", 0, 0), Array("b", ArrayType.Int32, 0)));
        Assert.Equal("Array 0 is 'b: float32 [1]' where 'w: float32 [2]' is expected.", Refused(Floats("b", 0), Floats("w", 0, 0)));
        Assert.Equal("There are 1 arrays where 2 are expected.", Refused(Floats("w", 0, 0)));
        Assert.Equal("There are 3 arrays where 2 are expected.", Refused(Floats("w", 0, 0), Floats("b", 0), Floats("c", 0)));
        Assert.Equal(0, mean.Count);
    }

    [Fact]
    public void Integers_are_averaged_exactly_and_rounded_half_to_even()
    {
        using var mean = new WeightedMean();
        mean.Add(Of(Array("n", ArrayType.Int64, long.MaxValue, 1L, 2L, -1L, -3L, 7L), Array("m", ArrayType.Bool, (byte)1, (byte)0), Array("u", ArrayType.UInt8, (byte)255)), 1);
        mean.Add(Of(Array("n", ArrayType.Int64, long.MaxValue - 2, 2L, 3L, -2L, -4L, 7L), Array("m", ArrayType.Bool, (byte)0, (byte)0), Array("u", ArrayType.UInt8, (byte)254)), 1);

        var arrays = mean.Finish();

        Assert.Equal([long.MaxValue - 1, 2, 2, -2, -4, 7], arrays["n"].Span<long>().ToArray());
        Assert.Equal([0, 0], arrays["m"].Span<byte>().ToArray());
        Assert.Equal([254], arrays["u"].Span<byte>().ToArray());
    }

    [Fact]
    public void Extreme_integers_of_every_width_survive_the_mean()
    {
        var model = Of(
            Array("a", ArrayType.Int8, sbyte.MinValue, sbyte.MaxValue),
            Array("b", ArrayType.Int16, short.MinValue, short.MaxValue),
            Array("c", ArrayType.Int32, int.MinValue, int.MaxValue),
            Array("d", ArrayType.Int64, long.MinValue, long.MaxValue));
        using var mean = new WeightedMean();
        mean.Add(model, WeightedMean.MaximumSamples - 1);
        mean.Add(model, 1);

        AssertIdentical(model, mean.Finish());
    }

    [Fact]
    public void The_largest_floats_do_not_overflow()
    {
        var model = Of(Floats("f", float.MaxValue, -float.MaxValue), Array("h", ArrayType.Float16, Half.MaxValue), Array("b", ArrayType.BFloat16, (ushort)0x7F7F), Array("d", ArrayType.Float64, 1e290));
        using var mean = new WeightedMean();
        mean.Add(model, WeightedMean.MaximumSamples / 2);
        mean.Add(model, WeightedMean.MaximumSamples / 2);

        AssertIdentical(model, mean.Finish());
    }

    [Theory]
    [InlineData(1.0, 0x3F80)]
    [InlineData(-2.0, 0xC000)]
    [InlineData(1.00390625, 0x3F80)] // halfway between 1 and the next: to even
    [InlineData(1.01171875, 0x3F82)] // halfway, to even upwards
    [InlineData(1.0039062500000002, 0x3F81)] // a little above halfway: lost if it were rounded to float32 first
    [InlineData(1.0117187499999998, 0x3F81)] // a little below halfway
    [InlineData(0.0, 0)]
    public void A_bfloat16_is_rounded_once(double value, int bits) => Assert.Equal((ushort)bits, BrainFloat.Round(value));

    [Fact]
    public void More_samples_than_can_be_counted_exactly_are_refused()
    {
        using var mean = new WeightedMean();
        mean.Add(Of(Floats("w", 1)), WeightedMean.MaximumSamples);

        Assert.Throws<IncompatibleWeightsException>(() => mean.Add(Of(Floats("w", 1)), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => mean.Add(Of(Floats("w", 1)), 0));
    }

    [Fact]
    public void The_mean_of_nothing_is_refused() => Assert.Throws<InvalidOperationException>(() => new WeightedMean().Finish());

    // 512 bits of float32, the widest vectors that there are.
    private const int Vector512Lanes = 16;

    private static readonly Gen<(float[] Values, long Samples)[]> Contributions =
        from length in Gen.Int[0, 3 * Vector512Lanes]
        from contributions in Gen.Select(Gen.Float.Where(float.IsFinite).Array[length], Gen.Long[1, 1_000_000]).Array[1, 6]
        select contributions;

    private static NamedArrays MeanOf((float[] Values, long Samples)[] contributions)
    {
        using var mean = new WeightedMean();
        foreach (var (values, samples) in contributions)
            mean.Add(Of(Floats("w", values)), samples);
        return mean.Finish();
    }
}
