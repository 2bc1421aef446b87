using System.Numerics;

namespace MantaLight.Statistics.Noise;

/// <summary>
/// Whole numbers z with a probability in proportion to exp(-|z| / scale), sampled exactly, by integers alone (Canonne, Kamath and Steinke 2020, "The Discrete Gaussian for Differential Privacy", Algorithms 1
/// and 2): added to a whole number that one row can change by Δ, noise of scale Δ / ε gives ε-differential privacy, with nothing left for attacks on floating point (Mironov 2012).
/// </summary>
internal sealed class DiscreteLaplace
{
    private readonly ulong numerator;
    private readonly ulong denominator;

    /// <param name="numerator">The scale times the denominator; 1 to 2^44.</param>
    /// <param name="denominator">1 to 2^44.</param>
    public DiscreteLaplace(ulong numerator, ulong denominator)
    {
        ArgumentOutOfRangeException.ThrowIfZero(numerator);
        ArgumentOutOfRangeException.ThrowIfZero(denominator);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(numerator, 1UL << 44);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(denominator, 1UL << 44);
        var divisor = (ulong)BigInteger.GreatestCommonDivisor(numerator, denominator);
        (this.numerator, this.denominator) = (numerator / divisor, denominator / divisor);
    }

    /// <summary>The scale.</summary>
    public double Scale => (double)numerator / denominator;

    /// <summary>One number.</summary>
    public long Next(RandomBits bits)
    {
        while (true)
        {
            var uniform = bits.Below(numerator);
            if (!IsExponential(uniform, numerator, bits))
                continue;
            ulong geometric = 0;
            while (IsExponential(1, 1, bits))
                geometric++;
            var magnitude = (uniform + (numerator * geometric)) / denominator;
            var isNegative = bits.Below(2) == 1;
            // Else zero would come from both sides.
            if (!isNegative || magnitude > 0)
                return isNegative ? -(long)magnitude : (long)magnitude;
        }
    }

    /// <summary>True with the probability exp(-part / whole), part being at most the whole.</summary>
    private static bool IsExponential(ulong part, ulong whole, RandomBits bits)
    {
        ulong k = 1;
        while (bits.Below(whole * k) < part)
            k++;
        return k % 2 == 1;
    }
}
