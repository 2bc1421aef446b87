using MantaLight.Privacy;

namespace MantaLight.Tests.Privacy;

public sealed class CalibrationTests
{
    [Theory]
    [InlineData(0.01, 1000, 2)]
    [InlineData(0.2, 50, 8)]
    [InlineData(1, 10, 0.5)]
    public void The_noise_is_just_enough(double sampling, long steps, double budget)
    {
        static double Epsilon(SampledGaussian mechanism, long steps, double delta) => new RdpAccountant().Epsilon(mechanism, steps, delta).Epsilon;
        var noise = Accounting.Calibrate(sampling, steps, 1e-5, budget, Epsilon);
        Assert.InRange(Epsilon(new SampledGaussian(sampling, noise), steps, 1e-5), 0, budget);
        Assert.True(Epsilon(new SampledGaussian(sampling, noise * (1 - 1e-5)), steps, 1e-5) > budget);
    }

    [Fact]
    public void A_budget_that_no_noise_keeps_is_refused()
    {
        var refusal = Assert.Throws<InvalidSettingException>(() => Accounting.Calibrate(1, 1000, 1e-5, 1e-4, (mechanism, _, _) => 1 / mechanism.Noise + 1));
        Assert.Contains("No noise multiplier", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidSettingException>(() => Accounting.Calibrate(1, 1000, 1e-5, 0, (_, _, _) => 1));
    }
}
