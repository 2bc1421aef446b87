namespace MantaLight.Privacy;

/// <summary>
/// Rényi differential privacy of one step of the Poisson-subsampled Gaussian (Mironov, Talwar and Zhang 2019, "Rényi Differential Privacy of the Sampled Gaussian Mechanism").
/// </summary>
internal static class RenyiDivergence
{
    // Terms become smaller as a power of their number and change their sign each time: what is left out is less than the last one, 1e-14 of the sum.
    private const double Negligible = -32;

    /// <summary>The divergence of an order.</summary>
    /// <param name="mechanism">The step.</param>
    /// <param name="order">Above 1.</param>
    public static double Of(SampledGaussian mechanism, double order)
    {
        var (q, variance) = (mechanism.Sampling, mechanism.Noise * mechanism.Noise);
        if (mechanism.Scheme == SamplingScheme.Fixed)
            return FixedSizeDivergence.Of(q, mechanism.Noise, order);
        if (q == 1)
            return order / (2 * variance);
        return (order == Math.Floor(order) ? OfWhole(q, variance, (int)order) : OfFraction(q, mechanism.Noise, order)) / (order - 1);
    }

    /// <summary>ln A of a whole order: the binomial sum (section 3.3, first case).</summary>
    private static double OfWhole(double q, double variance, int order)
    {
        var (sum, binomial) = (double.NegativeInfinity, 0.0);
        for (var k = 0; k <= order; k++)
        {
            sum = LogSpace.Add(sum, binomial + ((order - k) * LogSpace.LogOnePlus(-q)) + (k * Math.Log(q)) + (((double)k * k - k) / (2 * variance)));
            binomial += Math.Log((double)(order - k) / (k + 1));
        }
        return sum;
    }

    /// <summary>ln A of any order: two infinite sums, left and right of where both densities are equal (section 3.3, second case).</summary>
    private static double OfFraction(double q, double noise, double order)
    {
        var variance = noise * noise;
        var (logQ, logRest) = (Math.Log(q), LogSpace.LogOnePlus(-q));
        var middle = (variance * (logRest - logQ)) + 0.5;
        var scale = Math.Sqrt(2) * noise;
        var (positive, negative) = (double.NegativeInfinity, double.NegativeInfinity);
        var (binomial, sign) = (0.0, 1);
        for (var i = 0; ; i++)
        {
            var j = order - i;
            var left = binomial + (i * logQ) + (j * logRest) + ((((double)i * i) - i) / (2 * variance)) + LogSpace.LogErfc((i - middle) / scale) - Math.Log(2);
            var right = binomial + (j * logQ) + (i * logRest) + (((j * j) - j) / (2 * variance)) + LogSpace.LogErfc((middle - j) / scale) - Math.Log(2);
            var both = LogSpace.Add(left, right);
            if (sign > 0)
                positive = LogSpace.Add(positive, both);
            else
                negative = LogSpace.Add(negative, both);
            if (i > order && both - positive < Negligible)
                return LogSpace.Subtract(positive, negative);
            var factor = (order - i) / (i + 1);
            binomial += Math.Log(Math.Abs(factor));
            sign = factor < 0 ? -sign : sign;
        }
    }
}
