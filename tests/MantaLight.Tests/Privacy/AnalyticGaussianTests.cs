using MantaLight.Privacy;

namespace MantaLight.Tests.Privacy;

/// <summary>Against Theorem 8 of Balle and Wang 2018, computed elsewhere with SciPy.</summary>
public sealed class AnalyticGaussianTests
{
    [Theory]
    [InlineData(1, 1e-5, 4.377178095681224)]
    [InlineData(0.5, 1e-6, 2.2540846502197556)]
    [InlineData(2.5, 1e-5, 13.206712240451969)]
    [InlineData(10, 1e-5, 91.81728962466379)]
    public void The_epsilon_is_the_theorems(double mu, double delta, double expected) => Assert.Equal(expected, AnalyticGaussian.Epsilon(mu, delta), 1e-9);

    [Theory]
    [InlineData(1, 1e-5, 3.730631634815939)]
    [InlineData(0.5, 1e-6, 8.05761848072504)]
    [InlineData(5, 1e-5, 0.8918682649515177)]
    public void The_noise_is_the_theorems(double epsilon, double delta, double expected) => Assert.Equal(expected, AnalyticGaussian.Calibrate(epsilon, delta), 1e-9);

    [Fact]
    public void It_is_what_the_distribution_of_the_loss_comes_to_and_less_than_renyis_bound()
    {
        var exact = AnalyticGaussian.Epsilon(Math.Sqrt(10) / 3, 1e-5);
        Assert.Equal(PldAccountant.Epsilon(new SampledGaussian(1, 3), 10, 1e-5), exact, 1e-4);
        Assert.True(exact < new RdpAccountant().Epsilon(new SampledGaussian(1, 3), 10, 1e-5).Epsilon);
    }

    [Fact]
    public void No_noise_is_needed_for_nothing_and_nothing_costs_nothing()
    {
        Assert.Equal(0, AnalyticGaussian.Epsilon(0, 1e-5));
        Assert.Equal(0, AnalyticGaussian.Epsilon(1e-9, 1e-5));
        Assert.Throws<InvalidSettingException>(() => AnalyticGaussian.Epsilon(1, 0));
        Assert.Throws<InvalidSettingException>(() => AnalyticGaussian.Calibrate(0, 1e-5));
    }
}
