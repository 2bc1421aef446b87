namespace MantaLight.Privacy;

/// <summary>
/// The Gaussian mechanism without sampling, exactly (Balle and Wang 2018, "Improving the Gaussian Mechanism for Differential Privacy: Analytical Calibration and Optimal Denoising", Theorem 8):
/// δ(ε) = Φ(μ/2 - ε/μ) - e^ε Φ(-μ/2 - ε/μ), with μ the sensitivity over the noise's standard deviation. Several of them are one whose μ² is the sum of theirs.
/// </summary>
public static class AnalyticGaussian
{
    private const double Precision = 1e-12;

    /// <summary>δ at an ε.</summary>
    /// <param name="mu">The sensitivity over the standard deviation, above 0.</param>
    /// <param name="epsilon">ε, at least 0.</param>
    public static double Delta(double mu, double epsilon)
    {
        // The second term by its logarithm: e^ε alone may be beyond a double.
        var rest = epsilon + LogSpace.LogErfc(((mu / 2) + (epsilon / mu)) / Math.Sqrt(2)) - Math.Log(2);
        return Math.Max(0, LogSpace.Tail((epsilon / mu) - (mu / 2)) - Math.Exp(rest));
    }

    /// <summary>The least ε of a δ.</summary>
    /// <param name="mu">The sensitivity over the standard deviation, at least 0.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    /// <exception cref="InvalidSettingException">δ is out of its range.</exception>
    public static double Epsilon(double mu, double delta)
    {
        Accounting.Check(0, delta);
        if (mu == 0 || Delta(mu, 0) <= delta)
            return 0;
        var (low, high) = (0.0, 1.0);
        for (; Delta(mu, high) > delta; high *= 2)
            low = high;
        while (high - low > Precision * high)
        {
            var middle = (low + high) / 2;
            if (Delta(mu, middle) > delta)
                low = middle;
            else
                high = middle;
        }
        return high;
    }

    /// <summary>The least noise for an ε and a δ.</summary>
    /// <param name="epsilon">ε, above 0.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    /// <returns>The standard deviation over the sensitivity.</returns>
    /// <exception cref="InvalidSettingException">One of them is out of its range.</exception>
    public static double Calibrate(double epsilon, double delta)
    {
        Accounting.Check(0, delta);
        if (!(epsilon is > 0 and < double.PositiveInfinity))
            throw new InvalidSettingException($"ε = {epsilon} is not possible; it is above 0.");
        var (low, high) = (0.0, 1.0);
        for (; Delta(1 / high, epsilon) > delta; high *= 2)
            low = high;
        while (high - low > Precision * high)
        {
            var middle = (low + high) / 2;
            if (Delta(1 / middle, epsilon) > delta)
                low = middle;
            else
                high = middle;
        }
        return high;
    }
}
