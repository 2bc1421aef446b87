using MantaLight.Privacy;

namespace MantaLight.Tests.Privacy;

public sealed class PldAccountantTests
{
    [Theory]
    [InlineData(1, 0.7, 2, 1e-5, 10.1224946)]
    [InlineData(0.01, 0.7, 120, 1e-5, 2.4612381)]
    public void The_epsilon_is_the_published_one(double sampling, double noise, long steps, double delta, double expected) =>
        Assert.Equal(expected, PldAccountant.Epsilon(new SampledGaussian(sampling, noise), steps, delta), 1e-4);

    [Theory]
    [InlineData(1.0, 1)]
    [InlineData(2.0, 10)]
    [InlineData(8.0, 100)]
    public void Without_sampling_it_is_the_gaussian_mechanism_s_own_curve(double noise, long steps)
    {
        var epsilon = PldAccountant.Epsilon(new SampledGaussian(1, noise), steps, 1e-5);
        // Balle and Wang 2018, Theorem 8, of all steps as one with noise z / √T.
        var mu = Math.Sqrt(steps) / noise;
        var delta = LogSpace.Tail((epsilon / mu) - (mu / 2)) - (Math.Exp(epsilon) * LogSpace.Tail((epsilon / mu) + (mu / 2)));
        Assert.Equal(1e-5, delta, 1e-8);
    }

    [Theory]
    [InlineData(130.8, 38_872, 1e-12)]
    [InlineData(126.6, 32_054, 1e-11)]
    [InlineData(15.4, 1947, 2.21e-12)]
    [InlineData(8.659, 697, 1e-10)]
    [InlineData(38.08, 13_562, 1e-9)]
    public void Rounding_never_makes_it_less_than_it_is(double noise, long steps, double delta)
    {
        var epsilon = PldAccountant.Epsilon(new SampledGaussian(1, noise), steps, delta);
        var mu = Math.Sqrt(steps) / noise;
        Assert.InRange(LogSpace.Tail((epsilon / mu) - (mu / 2)) - (Math.Exp(epsilon) * LogSpace.Tail((epsilon / mu) + (mu / 2))), 0, delta * (1 + 1e-6));
    }

    [Theory]
    [InlineData(1, 1, 1500)]
    [InlineData(1, 1, 5000)]
    [InlineData(1, 0.2, 20)]
    [InlineData(1e-4, 10, 100_000)]
    [InlineData(0.001, 30, 10_000)]
    [InlineData(0.1, 0.5, 300)]
    public void Large_losses_and_very_small_ones_are_counted_too(double sampling, double noise, long steps)
    {
        var mechanism = new SampledGaussian(sampling, noise);
        var (pld, rdp) = (PldAccountant.Epsilon(mechanism, steps, 1e-5), new RdpAccountant().Epsilon(mechanism, steps, 1e-5).Epsilon);
        Assert.InRange(pld, 0.5 * rdp, rdp);
    }

    [Theory]
    [InlineData(1, 0.02, 1)]
    [InlineData(0.5, 0.02, 10)]
    public void Losses_that_are_too_large_to_be_counted_are_refused(double sampling, double noise, long steps) => Assert.Contains(
        "Use rdp", Assert.Throws<InvalidSettingException>(() => PldAccountant.Epsilon(new SampledGaussian(sampling, noise), steps, 1e-5)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0.04, 1.5, 2250, 1e-5)]
    [InlineData(0.0025, 1.3, 6000, 1e-5)]
    [InlineData(0.1, 0.8, 50, 1e-6)]
    [InlineData(1, 0.7, 2, 1e-5)]
    public void It_is_tighter_than_renyi_which_is_tighter_than_its_classic_conversion(double sampling, double noise, long steps, double delta)
    {
        var mechanism = new SampledGaussian(sampling, noise);
        var (pld, improved, classic) = (
            PldAccountant.Epsilon(mechanism, steps, delta), new RdpAccountant().Epsilon(mechanism, steps, delta).Epsilon, new RdpAccountant(RdpConversion.Classic).Epsilon(mechanism, steps, delta).Epsilon);
        Assert.True(pld <= improved && improved <= classic, $"{pld} {improved} {classic}");
        Assert.True(pld > 0.5 * improved);
    }

    [Fact]
    public void One_step_has_the_exact_curve()
    {
        var mechanism = new SampledGaussian(0.3, 1.1);
        var epsilon = PldAccountant.Epsilon(mechanism, 1, 1e-4);
        Assert.Equal(1e-4, Math.Max(new HockeyStick(mechanism, Neighbour.Removed).Delta(epsilon), new HockeyStick(mechanism, Neighbour.Added).Delta(epsilon)), 1e-8);
    }

    [Fact]
    public void A_delta_that_rounding_would_show_in_is_refused()
    {
        var refusal = Assert.Throws<InvalidSettingException>(() => PldAccountant.Epsilon(new SampledGaussian(0.1, 1), 10, 1e-13));
        Assert.Contains("use rdp", refusal.Message, StringComparison.Ordinal);
    }
}
