using System.Numerics;
using MantaLight.Privacy;

namespace MantaLight.Tests.Privacy;

public sealed class DiscreteGaussianTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 9)] // σ = 1/3
    [InlineData(9, 4)]
    [InlineData(50, 1)]
    public void Numbers_come_as_often_as_their_probabilities(int variance, int denominator)
    {
        const int Draws = 20_000;
        var gaussian = new DiscreteGaussian(variance, denominator, Seeded(variance));
        var counts = Enumerable.Range(0, Draws).Select(_ => (int)gaussian.Next()).CountBy(x => x).ToDictionary();
        var sigma2 = (double)variance / denominator;
        var all = Enumerable.Range(-200, 401).Sum(x => Math.Exp(-x * x / (2 * sigma2)));
        // Pearson's sum over numbers that are expected five times and more.
        var (sum, cells) = (0.0, 0);
        for (var x = -200; x <= 200; x++)
        {
            var expected = Draws * Math.Exp(-x * x / (2 * sigma2)) / all;
            if (expected < 5)
                continue;
            (sum, cells) = (sum + (Math.Pow(counts.GetValueOrDefault(x) - expected, 2) / expected), cells + 1);
        }
        // As many as there are cells, with a deviation of √2 times their root.
        Assert.InRange(sum, 0, cells + (4 * Math.Sqrt(2 * cells)));
        Assert.True(cells > 2);
    }

    [Fact]
    public void A_large_deviation_is_that_of_the_numbers()
    {
        var gaussian = DiscreteGaussian.OfDeviation(1e6, Seeded(1));
        var drawn = Enumerable.Range(0, 3000).Select(_ => (double)gaussian.Next()).ToArray();
        Assert.Equal(1e6, Math.Sqrt(drawn.Average(x => x * x)), 4e4);
        Assert.Equal(0, drawn.Average(), 8e4);
    }

    [Fact]
    public void It_draws_in_secret_where_nothing_else_is_said()
    {
        BigInteger[] Some() => [.. Enumerable.Range(0, 20).Select(_ => DiscreteGaussian.OfDeviation(1e9).Next())];
        Assert.NotEqual(Some(), Some());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(double.NaN)]
    [InlineData(1e20)]
    public void What_is_no_deviation_is_refused(double deviation)
    {
        Assert.Throws<InvalidSettingException>(() => DiscreteGaussian.OfDeviation(deviation));
        Assert.Throws<InvalidSettingException>(() => new DiscreteGaussian(0, 1));
    }

    private static DiscreteGaussian.RandomFill Seeded(int seed)
    {
        var random = new Random(seed);
        return random.NextBytes;
    }
}
