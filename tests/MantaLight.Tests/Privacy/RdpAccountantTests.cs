using MantaLight.Privacy;

namespace MantaLight.Tests.Privacy;

/// <summary>Against values that were published, by accountants that are not in this repository.</summary>
public sealed class RdpAccountantTests
{
    [Theory]
    [InlineData(0.04, 1.5, 2250, 1e-5, 7.3291117)]
    [InlineData(0.0025, 1.3, 6000, 1e-5, 0.7242234)]
    [InlineData(0.001, 1.0, 30_000, 1e-7, 1.4154988)]
    [InlineData(1, 0.7, 2, 1e-5, 10.8602036)]
    public void The_epsilon_is_the_published_one(double sampling, double noise, long steps, double delta, double expected) =>
        Assert.Equal(expected, new RdpAccountant().Epsilon(new SampledGaussian(sampling, noise), steps, delta).Epsilon, 1e-6);

    [Theory]
    [InlineData(0.0025, 1.3, 6000, 1e-5, 19)]
    [InlineData(0.001, 1.0, 30_000, 1e-7, 13)]
    public void The_order_is_the_published_one(double sampling, double noise, long steps, double delta, double expected) =>
        Assert.Equal(expected, new RdpAccountant().Epsilon(new SampledGaussian(sampling, noise), steps, delta).Order);

    [Theory]
    [InlineData(RdpConversion.Classic, 3.01)]
    [InlineData(RdpConversion.Improved, 2.597)]
    public void The_mnist_tutorials_epsilon_is_the_published_one(RdpConversion conversion, double expected) =>
        Assert.Equal(expected, new RdpAccountant(conversion).Epsilon(new SampledGaussian(256 / 60_000.0, 1.1), 14_062, 1e-5).Epsilon, 5e-3);

    [Theory]
    [InlineData(0.01, 1.0)]
    [InlineData(0.2, 0.6)]
    [InlineData(0.5, 4.0)]
    public void Fractional_orders_lie_between_their_neighbours_and_go_over_into_whole_ones(double sampling, double noise)
    {
        var mechanism = new SampledGaussian(sampling, noise);
        for (var order = 2; order < 12; order++)
        {
            var (low, middle, high) = (RenyiDivergence.Of(mechanism, order), RenyiDivergence.Of(mechanism, order + 0.5), RenyiDivergence.Of(mechanism, order + 1));
            Assert.InRange(middle, low, high);
            Assert.Equal(low, RenyiDivergence.Of(mechanism, order + 1e-9), 1e-6 * Math.Max(1, low));
        }
    }

    [Fact]
    public void A_divergence_is_the_integral_that_defines_it()
    {
        var mechanism = new SampledGaussian(0.1, 1.2);
        foreach (var order in new[] { 1.5, 2.7, 3, 7.3 })
        {
            // E over N(0, z²) of ((1 - q) + q e^((2x - 1) / 2z²))^α, by the trapezoid rule.
            var (sum, step) = (0.0, 1e-3);
            for (var x = -30.0; x <= 40; x += step)
            {
                var density = Math.Exp(-x * x / (2 * 1.44)) / Math.Sqrt(2 * Math.PI * 1.44);
                sum += density * Math.Pow(0.9 + (0.1 * Math.Exp(((2 * x) - 1) / (2 * 1.44))), order) * step;
            }
            Assert.Equal(Math.Log(sum) / (order - 1), RenyiDivergence.Of(mechanism, order), 1e-9);
        }
    }

    [Fact]
    public void Nothing_done_costs_nothing_and_more_steps_cost_more()
    {
        var (accountant, mechanism) = (new RdpAccountant(), new SampledGaussian(0.05, 1));
        Assert.Equal(0, accountant.Epsilon(mechanism, 0, 1e-5).Epsilon);
        var costs = new long[] { 1, 10, 100, 1000 }.Select(steps => accountant.Epsilon(mechanism, steps, 1e-5).Epsilon).ToArray();
        Assert.Equal(costs.Order(), costs);
        Assert.Equal(4, costs.Distinct().Count());
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1.1, 1)]
    [InlineData(double.NaN, 1)]
    [InlineData(0.5, 0)]
    [InlineData(0.5, 1e-200)]
    [InlineData(0.5, 1e200)]
    [InlineData(0.5, double.PositiveInfinity)]
    public void What_is_no_mechanism_is_refused(double sampling, double noise) => Assert.Throws<InvalidSettingException>(() => new SampledGaussian(sampling, noise));

    [Theory]
    [InlineData(0.01)]
    [InlineData(1e6)]
    public void The_ends_of_the_range_are_accounted_for(double noise) => Assert.True(double.IsFinite(new RdpAccountant().Epsilon(new SampledGaussian(0.3, noise), 10, 1e-5).Epsilon));

    [Fact]
    public void Orders_that_are_none_are_refused()
    {
        Assert.Throws<InvalidSettingException>(() => new RdpAccountant(orders: [0.5]));
        Assert.Throws<InvalidSettingException>(() => new RdpAccountant(orders: []));
    }

    [Theory]
    [InlineData(-1, 0.1)]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    public void What_cannot_be_accounted_for_is_refused(long steps, double delta)
    {
        var mechanism = new SampledGaussian(0.5, 1);
        Assert.Throws<InvalidSettingException>(() => new RdpAccountant().Epsilon(mechanism, steps, delta));
        Assert.Throws<InvalidSettingException>(() => PldAccountant.Epsilon(mechanism, steps, delta));
    }
}
