using MantaLight.Statistics;
using MantaLight.Statistics.Noise;

namespace MantaLight.Tests.Statistics;

public sealed class NoiseTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 3)]
    [InlineData(1, 3)]
    [InlineData(20, 1)]
    public void Each_number_comes_as_often_as_its_probability_says(ulong numerator, ulong denominator)
    {
        const int draws = 60_000;
        var (laplace, bits) = (new DiscreteLaplace(numerator, denominator), new SeededBits(3));
        var seen = new Dictionary<long, int>();
        for (var i = 0; i < draws; i++)
        {
            var z = laplace.Next(bits);
            seen[z] = seen.GetValueOrDefault(z) + 1;
        }

        // P(z) = (1 - p) / (1 + p) p^|z| with p = exp(-1 / scale); within five standard deviations.
        var p = Math.Exp(-(double)denominator / numerator);
        for (var z = -30; z <= 30; z++)
        {
            var expected = draws * (1 - p) / (1 + p) * Math.Pow(p, Math.Abs(z));
            Assert.InRange(seen.GetValueOrDefault(z), expected - (5 * Math.Sqrt(expected)) - 3, expected + (5 * Math.Sqrt(expected)) + 3);
        }
    }

    [Fact]
    public void Large_scales_have_the_variance_that_they_should_have()
    {
        var (laplace, bits) = (new DiscreteLaplace(1UL << 40, 1), new SeededBits(4));
        double[] values = [.. Enumerable.Range(0, 20_000).Select(_ => laplace.Next(bits) / laplace.Scale)];

        Assert.InRange(values.Average(), -0.06, 0.06);
        Assert.InRange(values.Average(v => v * v), 1.85, 2.15);
        Assert.Contains(values, v => Math.Abs(v) > 5);
    }

    [Theory]
    [InlineData(0.5, 1)]
    [InlineData(3, 1)]
    [InlineData(3, 40)]
    [InlineData(100, 8)]
    public void Sums_stray_beyond_the_bound_more_rarely_than_it_says_and_it_is_not_far_off(double scale, int count)
    {
        const int sums = 4_000;
        var (laplace, bits) = (new DiscreteLaplace((ulong)(scale * 2), 2), new SeededBits(9));
        double[] strayed = [.. Enumerable.Range(0, sums).Select(_ => (double)Math.Abs(Enumerable.Range(0, count).Sum(_ => laplace.Next(bits)))).Order()];

        var bound = NoiseBound.OfSum(scale, count, 0.05);

        Assert.True(strayed.Count(s => s > bound) <= sums * 0.05);
        Assert.InRange(bound, strayed[(int)(sums * 0.95)], (2 * strayed[(int)(sums * 0.95)]) + 4);
    }

    [Fact]
    public void Of_one_number_the_bound_is_above_what_is_exact()
    {
        foreach (var scale in new[] { 0.3, 1, 50, 1e6, 1e12 })
        {
            foreach (var failure in new[] { 0.05, 1e-4, 1e-9 })
            {
                // P(|Z| > x) ≤ exp(-x / scale)
                var exact = scale * Math.Log(1 / failure);
                Assert.InRange(NoiseBound.OfSum(scale, 1, failure), Math.Min(exact - 1, exact * 0.9), (1.6 * exact) + (4 * scale) + 2);
            }
        }
    }

    [Fact]
    public void Secret_bits_are_neither_all_alike_nor_out_of_bounds()
    {
        var bits = new SecretBits();
        ulong[] drawn = [.. Enumerable.Range(0, 5_000).Select(_ => bits.Below(10))];

        Assert.All(Enumerable.Range(0, 10), d => Assert.InRange(drawn.Count(x => x == (ulong)d), 350, 650));
        Assert.Equal(0UL, bits.Below(1));
    }

    [Fact]
    public void Moments_of_parts_are_those_of_the_whole_even_far_from_zero()
    {
        var random = new Random(1);
        double[] values = [.. Enumerable.Range(0, 1000).Select(_ => 1e9 + random.NextDouble())];
        // A decimal takes 15 digits of a double, which are enough for what is behind the thousand millions.
        decimal[] rests = [.. values.Select(v => (decimal)(v - 1e9))];
        var mean = 1_000_000_000 + rests.Average();
        var squares = (double)rests.Sum(r => (r - rests.Average()) * (r - rests.Average()));

        var whole = Moments.Of(values);
        var union = Moments.Of(values.AsSpan(0, 1)).With(Moments.Of(values.AsSpan(1, 700))).With(Moments.Of([])).With(Moments.Of(values.AsSpan(701)));

        Assert.Equal((1000, 1000), (whole.Count, union.Count));
        Assert.Equal((double)mean, whole.Mean, 1.3e-7);
        Assert.Equal((double)mean, union.Mean, 2e-7);
        Assert.Equal(squares, whole.Squares, 1e-9 * squares);
        Assert.Equal(squares, union.Squares, 1e-6 * squares);
        Assert.Equal(new Moments(2, 2, 2), Moments.Of([1, double.NaN, 3]));
        Assert.Equal(default, Moments.Of([double.NaN]));
    }
}
