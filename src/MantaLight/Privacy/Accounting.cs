namespace MantaLight.Privacy;

/// <summary>What all accountants have in common.</summary>
public static class Accounting
{
    private const double Precision = 1e-6;

    /// <summary>The least noise multiplier with which some steps stay within a budget.</summary>
    /// <param name="sampling">The probability of taking part, above 0 and at most 1.</param>
    /// <param name="steps">How many, at least 1.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    /// <param name="budget">The most ε, above 0.</param>
    /// <param name="epsilon">Says what ε a mechanism has after those steps.</param>
    /// <param name="scheme">How those who take part are chosen.</param>
    /// <returns>The noise multiplier, to one millionth of itself, never too little.</returns>
    /// <exception cref="InvalidSettingException">No noise is enough, or one of them is out of its range.</exception>
    public static double Calibrate(double sampling, long steps, double delta, double budget, Func<SampledGaussian, long, double, double> epsilon, SamplingScheme scheme = SamplingScheme.Poisson)
    {
        Check(steps, delta);
        if (!(budget > 0))
            throw new InvalidSettingException($"A budget of ε = {budget} is not possible; it is above 0.");
        bool IsEnough(double noise) => epsilon(new SampledGaussian(sampling, noise, scheme), steps, delta) <= budget;
        var high = 1.0;
        for (; !IsEnough(high); high *= 2)
        {
            if (high * 2 > SampledGaussian.MostNoise)
                throw new InvalidSettingException($"No noise multiplier up to {high:N0} keeps {steps:N0} steps within ε = {budget}; a greater δ or budget, or fewer steps, would.");
        }
        var low = high / 2;
        for (; low > SampledGaussian.LeastNoise && IsEnough(low); low /= 2)
            high = low;
        low = Math.Max(low, SampledGaussian.LeastNoise);
        while (high - low > Precision * high)
        {
            var middle = (low + high) / 2;
            if (IsEnough(middle))
                high = middle;
            else
                low = middle;
        }
        return high;
    }

    internal static void Check(long steps, double delta)
    {
        if (steps < 0)
            throw new InvalidSettingException($"{steps} steps are not possible; at least 0 are.");
        if (!(delta is > 0 and < 1))
            throw new InvalidSettingException($"δ = {delta} is not possible; it is above 0 and below 1.");
    }
}
