namespace MantaLight.Privacy;

/// <summary>
/// Accounts by the distribution of the privacy loss, which is convolved with itself once for each step (Koskela, Jälkö and Honkela 2020, "Computing tight differential privacy guarantees using FFT").
/// Tighter than Rényi differential privacy, and never below the true ε but for rounding.
/// </summary>
public static class PldAccountant
{
    /// <summary>The least ε that some steps of a mechanism are known to have.</summary>
    /// <param name="mechanism">One step.</param>
    /// <param name="steps">How many, at least 0.</param>
    /// <param name="delta">δ, at least 1e-12 and below 1: of less, rounding would be a part that shows.</param>
    /// <returns>ε, at least 0; infinite where there is none.</returns>
    /// <exception cref="InvalidSettingException">A value is out of its range, or losses are too large to be counted.</exception>
    public static double Epsilon(SampledGaussian mechanism, long steps, double delta)
    {
        Accounting.Check(steps, delta);
        if (delta < 1e-12)
            throw new InvalidSettingException($"δ = {delta} is less than an accountant by privacy loss distributions can tell (1e-12); use rdp.");
        if (steps == 0)
            return 0;
        if (mechanism is { Scheme: SamplingScheme.Fixed, Sampling: < 1 })
            throw new InvalidSettingException("An accountant by privacy loss distributions counts Poisson sampling; a number that is fixed is counted by rdp.");
        // All take part, and one is replaced: the sums differ by twice the norm, as if there were half the noise.
        if (mechanism.Scheme == SamplingScheme.Fixed)
            return mechanism.Noise / 2 < SampledGaussian.LeastNoise ? new RdpAccountant().Epsilon(mechanism, steps, delta).Epsilon : Epsilon(new SampledGaussian(1, mechanism.Noise / 2), steps, delta);
        // A participant who is there is compared with one who is not, and the other way about.
        var epsilon = new[] { Neighbour.Removed, Neighbour.Added }.Max(neighbour => LossDistribution.Of(mechanism, neighbour, steps).Epsilon(delta));
        // Both are bounds; where δ is so small that rounding shows, the other one is the lower.
        return Math.Min(epsilon, new RdpAccountant().Epsilon(mechanism, steps, delta).Epsilon);
    }
}
