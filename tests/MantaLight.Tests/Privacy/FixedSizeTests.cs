using MantaLight.Privacy;

namespace MantaLight.Tests.Privacy;

/// <summary>A fixed number of all, without replacement: against Theorem 9 of Wang, Balle and Kasiviswanathan 2019, computed elsewhere with SciPy.</summary>
public sealed class FixedSizeTests
{
    [Theory]
    [InlineData(0.1, 2, 2, 0.05293929372779762)]
    [InlineData(0.1, 2, 5, 0.2564499269090088)]
    [InlineData(0.01, 4, 32, 0.0025171821592645098)]
    [InlineData(0.2, 8, 16, 0.22887350464334336)]
    public void A_divergence_is_the_theorems(double share, double noise, double order, double expected) =>
        Assert.Equal(expected, RenyiDivergence.Of(new SampledGaussian(share, noise, SamplingScheme.Fixed), order), 1e-9);

    [Theory]
    [InlineData(0.1, 4, 100, 1e-5, 5.837854400859202)]
    [InlineData(0.01, 2, 1000, 1e-5, 3.5761114823505045)]
    [InlineData(0.5, 10, 50, 1e-6, 7.766237903487093)]
    [InlineData(1, 4, 10, 1e-5, 8.079406222420491)]
    public void The_epsilon_is_the_theorems(double share, double noise, long steps, double delta, double expected) =>
        Assert.Equal(expected, new RdpAccountant().Epsilon(new SampledGaussian(share, noise, SamplingScheme.Fixed), steps, delta).Epsilon, 1e-8);

    [Theory]
    [InlineData(0.1, 2)]
    [InlineData(0.3, 3)]
    [InlineData(0.9, 5)]
    public void The_bound_is_above_the_divergence_of_two_neighbours(double share, double noise)
    {
        // One participant of two is replaced, whose contributions are +1 and -1, among others that are 0: by the trapezoid rule.
        foreach (var order in new[] { 1.5, 2, 3.5, 6 })
        {
            double Mixture(double x, double center) =>
                ((1 - share) * Math.Exp(-x * x / (2 * noise * noise))) + (share * Math.Exp(-(x - center) * (x - center) / (2 * noise * noise)));
            var sum = 0.0;
            for (var x = -40 * noise; x <= 40 * noise; x += 1e-3)
            {
                if (Mixture(x, -1) > 0)
                    sum += Math.Pow(Mixture(x, 1) / Mixture(x, -1), order) * Mixture(x, -1) * 1e-3 / (noise * Math.Sqrt(2 * Math.PI));
            }
            Assert.True(Math.Log(sum) / (order - 1) < RenyiDivergence.Of(new SampledGaussian(share, noise, SamplingScheme.Fixed), order));
        }
    }

    [Fact]
    public void Who_is_replaced_moves_the_sum_twice_as_far_as_who_is_left_out()
    {
        var replaced = new RdpAccountant().Epsilon(new SampledGaussian(1, 4, SamplingScheme.Fixed), 10, 1e-5).Epsilon;
        Assert.Equal(new RdpAccountant().Epsilon(new SampledGaussian(1, 2), 10, 1e-5).Epsilon, replaced, 1e-9);
        Assert.Equal(PldAccountant.Epsilon(new SampledGaussian(1, 2), 10, 1e-5), PldAccountant.Epsilon(new SampledGaussian(1, 4, SamplingScheme.Fixed), 10, 1e-5), 1e-9);
        Assert.True(PldAccountant.Epsilon(new SampledGaussian(1, 4, SamplingScheme.Fixed), 10, 1e-5) < replaced);
    }

    [Fact]
    public void Choosing_fewer_never_costs_more_and_choosing_nearly_all_is_like_choosing_all()
    {
        var costs = new[] { 0.01, 0.1, 0.5, 0.999, 1 }.Select(share => new RdpAccountant().Epsilon(new SampledGaussian(share, 5, SamplingScheme.Fixed), 20, 1e-5).Epsilon).ToArray();
        Assert.Equal(costs.Order(), costs);
        Assert.Equal(costs[4], costs[3], 1e-9);
    }

    [Fact]
    public void The_distribution_of_the_loss_does_not_count_it() => Assert.Contains(
        "counts Poisson sampling", Assert.Throws<InvalidSettingException>(() => PldAccountant.Epsilon(new SampledGaussian(0.5, 4, SamplingScheme.Fixed), 10, 1e-5)).Message, StringComparison.Ordinal);
}
