using System.Runtime.InteropServices;
using MantaLight.Partitioning;
using MantaLight.Weights;

namespace MantaLight.Tests.Partitioning;

public sealed class FeatureSkewTests
{
    // As numpy.rot90 turns [[1, 2], [3, 4]].
    [Theory]
    [InlineData(0, new byte[] { 1, 2, 3, 4 })]
    [InlineData(1, new byte[] { 2, 4, 1, 3 })]
    [InlineData(2, new byte[] { 4, 3, 2, 1 })]
    [InlineData(3, new byte[] { 3, 1, 4, 2 })]
    public void A_full_turn_over_four_nodes_turns_each_by_another_quarter_counter_clockwise(int node, byte[] expected)
    {
        var turned = Skew("rotate:360").Apply(Bytes([1, 2, 2], 1, 2, 3, 4), node, 4, new SeededRandom(1, 1));
        Assert.Equal(expected, turned.Data.ToArray());
        Assert.Equal((ArrayType.UInt8, "x_train"), (turned.Type, turned.Name));
    }

    [Fact]
    public void Each_image_and_each_channel_is_turned_by_itself()
    {
        var turned = Skew("rotate:180").Apply(Bytes([1, 2, 2, 2], 1, 2, 3, 4, 5, 6, 7, 8), 1, 2, new SeededRandom(1, 1));
        Assert.Equal([2, 4, 1, 3, 6, 8, 5, 7], turned.Data.ToArray());
        Assert.Equal([1, 2, 2, 2], turned.Shape.ToArray());
    }

    [Fact]
    public void Between_pixels_it_is_bilinear_and_black_comes_in_from_outside()
    {
        // By 45 degrees a corner of 3 x 3 comes from sqrt(2) beside the middle: of that, sqrt(2) - 1 lies beyond the last pixel.
        var turned = Skew("rotate:90").Apply(Floats([1, 3, 3], 1, 1, 1, 1, 1, 1, 1, 1, 1), 1, 2, new SeededRandom(1, 1));
        var corner = 1 - (Math.Sqrt(2) - 1);
        Assert.Equal([corner, 1, corner, 1, 1, 1, corner, 1, corner], turned.Span<float>().ToArray().Select(v => (double)v), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void Noise_has_mean_0_and_a_variance_that_grows_from_node_to_node_up_to_sigma()
    {
        var clean = Bytes([100, 20, 20], [.. Enumerable.Repeat((byte)51, 40_000)]);
        for (var node = 0; node < 4; node++)
        {
            var noisy = Skew("noise:0.4").Apply(clean, node, 4, new SeededRandom(7, (ulong)node));
            Assert.Equal((ArrayType.Float32, 40_000L), (noisy.Type, noisy.Count));
            double[] values = [.. noisy.Span<float>().ToArray()];
            var mean = values.Average();
            Assert.Equal(0.2, mean, 0.02); // 51 of 255
            Assert.Equal(0.1 * (node + 1), values.Average(v => (v - mean) * (v - mean)), 0.012);
        }
    }

    [Fact]
    public void The_seed_decides_the_noise_and_samples_themselves_stay()
    {
        var clean = Floats([2, 1, 2], 0, 1, 2, 3);
        var (first, second, other) = (Noisy(1), Noisy(1), Noisy(2));
        Assert.True(first.Data.Span.SequenceEqual(second.Data.Span));
        Assert.False(first.Data.Span.SequenceEqual(other.Data.Span));
        Assert.Equal([0, 1, 2, 3], clean.Span<float>().ToArray());

        NamedArray Noisy(ulong seed) => Skew("noise:1").Apply(clean, 0, 2, new SeededRandom(seed, 1));
    }

    [Fact]
    public void What_is_no_image_and_what_holds_other_numbers_is_refused()
    {
        var random = new SeededRandom(1, 1);
        Assert.Contains("turns images", Assert.Throws<InvalidSettingException>(() => Skew("rotate:90").Apply(Bytes([4], 1, 2, 3, 4), 0, 1, random)).Message, StringComparison.Ordinal);
        var whole = new NamedArray("x_train", ArrayType.Int64, [1], new byte[8]);
        Assert.Contains("uint8 or float32", Assert.Throws<InvalidSettingException>(() => Skew("noise:1").Apply(whole, 0, 1, random)).Message, StringComparison.Ordinal);
    }

    private static FeatureSkew Skew(string text) => Assert.Single(PartitionSpec.Parse(text).Skews);

    private static NamedArray Bytes(long[] shape, params byte[] data) => new("x_train", ArrayType.UInt8, shape, data);

    private static NamedArray Floats(long[] shape, params float[] data) => new("x_train", ArrayType.Float32, shape, MemoryMarshal.AsBytes(data.AsSpan()).ToArray());
}
