using System.Numerics;
using MantaLight.SecureAggregation;

namespace MantaLight.Tests.SecureAggregation;

/// <summary>Numbers as integers of a ring.</summary>
public sealed class EncodingTests
{
    [Theory]
    [InlineData(16, 1.0, 1, 3)]
    [InlineData(16, 0.1, 1, 100)]
    [InlineData(32, 4.0, 65_536, 100)]
    [InlineData(32, 1e6, 1, 3)]
    [InlineData(64, 4.0, 65_536, 10_000)]
    [InlineData(64, 1e-3, 1, 3)]
    public void The_largest_sum_fits_and_twice_the_scale_would_not(int bits, double range, long most, int contributors)
    {
        var point = new FixedPoint(bits, range, most, contributors);
        var limit = (BigInteger.One << (bits - 1)) - 1;
        Assert.True(new BigInteger(Math.Ceiling(most * range * point.Scale)) * contributors <= limit);
        Assert.True(new BigInteger(Math.Ceiling(most * range * point.Scale * 2)) * contributors > limit);
        // All of them at the end of the range, on either side.
        foreach (var end in new[] { range, -range })
        {
            var (sum, one) = (new byte[bits / 8], new byte[bits / 8]);
            Assert.Equal(0, point.Encode([end], most, one, seed: 1, first: 0));
            for (var i = 0; i < contributors; i++)
                Ring.Add(sum, one, bits);
            var mean = new double[1];
            point.Decode(sum, most * contributors, mean);
            Assert.Equal(end, mean[0], 1.0 / (most * point.Scale));
        }
    }

    [Fact]
    public void A_ring_that_is_too_small_is_refused() =>
        Assert.Contains("\"bits\": 32", Assert.Throws<TaskContractException>(() => new FixedPoint(16, 1, 1, 1000)).Message, StringComparison.Ordinal);

    [Fact]
    public void Rounding_is_to_either_side_as_often_as_the_rest_says_and_the_same_for_the_same_seed()
    {
        var point = new FixedPoint(32, 1, 1, 3);
        double[] values = [.. Enumerable.Repeat((1000 + 0.3) / point.Scale, 100_000)];
        var numbers = new byte[values.Length * 4];
        point.Encode(values, 1, numbers, seed: 5, first: 0);
        var up = Enumerable.Range(0, values.Length).Count(i => BitConverter.ToInt32(numbers, i * 4) == 1001);
        Assert.Equal(values.Length, up + Enumerable.Range(0, values.Length).Count(i => BitConverter.ToInt32(numbers, i * 4) == 1000));
        // Five deviations of a binomial.
        Assert.InRange(up, 30_000 - 725, 30_000 + 725);
        var again = new byte[numbers.Length];
        point.Encode(values.AsSpan(0, 60_000), 1, again.AsSpan(0, 240_000), seed: 5, first: 0);
        point.Encode(values.AsSpan(60_000), 1, again.AsSpan(240_000), seed: 5, first: 60_000);
        Assert.Equal(numbers, again);
    }

    [Fact]
    public void What_is_beyond_the_range_counts_as_its_end_and_is_counted()
    {
        var point = new FixedPoint(32, 2, 10, 5);
        var numbers = new byte[12];
        Assert.Equal(2, point.Encode([-3, 1, 100], 10, numbers, 1, 0));
        var values = new double[3];
        point.Decode(numbers, 10, values);
        Assert.Equal([-2, 1, 2], values.Select(v => Math.Round(v, 6)));
    }
}

/// <summary>Who shares with whom.</summary>
public sealed class NeighbourGraphTests
{
    [Theory]
    [InlineData(100, 40)]
    [InlineData(1000, 20)]
    [InlineData(7, 6)]
    [InlineData(7, 2)]
    [InlineData(3, 50)]
    public void Everybody_has_as_many_neighbours_and_is_theirs(int nodes, int neighbours)
    {
        var graph = new NeighbourGraph(nodes, neighbours, Seed(1));
        for (var node = 0; node < nodes; node++)
        {
            var holders = graph.HoldersOf(node);
            Assert.Equal(Math.Min(neighbours, nodes - 1) + 1, holders.Distinct().Count());
            Assert.Equal(holders.Order(), holders);
            Assert.All(holders, h => Assert.Contains(node, graph.HoldersOf(h)));
        }
    }

    [Fact]
    public void The_order_is_of_the_seed_alone()
    {
        Assert.Equal(Holders(1), Holders(1));
        Assert.NotEqual(Holders(1), Holders(2));

        static int[] Holders(byte seed) => new NeighbourGraph(100, 10, Seed(seed)).HoldersOf(17);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(200)]
    [InlineData(1000)]
    [InlineData(10_000)]
    public void Enough_neighbours_are_the_fewest_with_which_all_three_can_hardly_fail(int nodes)
    {
        var options = new SecureOptions();
        var count = NeighbourCount.For(nodes, options.ThresholdOf);
        if (count >= nodes)
        {
            Assert.False(IsEnough(nodes, nodes - 2 - (nodes % 2), options));
            return;
        }
        Assert.True(IsEnough(nodes, count, options), $"{count}");
        Assert.False(IsEnough(nodes, count - 2, options), $"{count}");
    }

    // The same by logarithms of factorials in place of exact integers.
    private static bool IsEnough(int nodes, int k, SecureOptions options)
    {
        var t = options.ThresholdOf(k + 1);
        var gone = (nodes / 5) + (nodes / 10);
        var gap = Math.Log2(nodes) + Enumerable.Range(0, k / 2).Sum(i => Math.Log2((double)Math.Max(0, gone - i) / (nodes - i)));
        return gap <= -40 && Tail(nodes, nodes / 5, k, t - 1) <= -40 && Tail(nodes, nodes / 10, k, k + 1 - t) <= -20;
    }

    private static double Tail(int nodes, int marked, int k, int least)
    {
        var all = Choose(nodes - 1, k);
        var sum = Enumerable.Range(least, Math.Max(0, Math.Min(k, marked) - least + 1)).Sum(i => Math.Exp(Choose(marked, i) + Choose(nodes - 1 - marked, k - i) - all));
        return Math.Log2(nodes * sum);
    }

    private static double Choose(int n, int k) => k < 0 || k > n ? double.NegativeInfinity : Enumerable.Range(1, k).Sum(i => Math.Log((double)(n - k + i) / i));

    private static byte[] Seed(byte seed) => [.. Enumerable.Repeat(seed, 32)];
}
