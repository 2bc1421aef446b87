using System.Numerics;
using System.Security.Cryptography;

namespace MantaLight.Privacy;

/// <summary>
/// Whole numbers with probabilities in proportion to e^(-x²/2σ²), exactly: fractions of whole numbers, and no floating point that could tell more than is meant to be told (Canonne, Kamath and Steinke 2020, "The Discrete Gaussian for
/// Differential Privacy", Algorithms 1 to 3). Added to whole numbers it protects them as noise of that deviation does real ones (Theorem 14: Rényi's divergence is at most α Δ²/2σ²). Not for several threads at once.
/// </summary>
public sealed class DiscreteGaussian
{
    private readonly BigInteger top;
    private readonly BigInteger bottom;
    private readonly BigInteger scale;
    private readonly RandomFill fill;

    /// <summary>Fills with random bytes.</summary>
    public delegate void RandomFill(Span<byte> bytes);

    /// <param name="variance">σ², the fraction's numerator, at least 1.</param>
    /// <param name="denominator">The fraction's denominator, at least 1.</param>
    /// <param name="fill">Where random bytes come from; the system's cryptographic generator where it is left out.</param>
    /// <exception cref="InvalidSettingException">One of them is less than 1.</exception>
    public DiscreteGaussian(BigInteger variance, BigInteger denominator, RandomFill? fill = null)
    {
        if (variance < 1 || denominator < 1)
            throw new InvalidSettingException("The variance of a discrete Gaussian is a fraction of two whole numbers, each at least 1.");
        (top, bottom, this.fill) = (variance, denominator, fill ?? RandomNumberGenerator.Fill);
        // ⌊σ⌋ + 1: the scale of the proposals.
        scale = Root(variance / denominator) + 1;
    }

    /// <summary>Of a standard deviation, whose square is taken exactly as the double is.</summary>
    /// <param name="deviation">σ, 1e-6 to 1e15.</param>
    /// <param name="fill">Where random bytes come from; the system's cryptographic generator where it is left out.</param>
    /// <exception cref="InvalidSettingException">It is out of its range.</exception>
    public static DiscreteGaussian OfDeviation(double deviation, RandomFill? fill = null)
    {
        if (deviation is not (>= 1e-6 and <= 1e15))
            throw new InvalidSettingException($"A standard deviation of {deviation} is not possible; 1e-6 to 1e15 are.");
        // A double is a whole number over a power of two: of 2^80 here, since it is at least 2^-20 and has 53 bits.
        var whole = new BigInteger(Math.ScaleB(deviation, 80));
        return new DiscreteGaussian(whole * whole, BigInteger.One << 160, fill);
    }

    /// <summary>The next number.</summary>
    public BigInteger Next()
    {
        while (true)
        {
            var proposal = Laplace();
            // (|y| - σ²/t)² / 2σ², over a common denominator.
            var distance = (BigInteger.Abs(proposal) * scale * bottom) - top;
            if (IsExponential(distance * distance, 2 * top * scale * scale * bottom))
                return proposal;
        }
    }

    /// <summary>A whole number with probabilities in proportion to e^(-|x|/t) (Algorithm 2).</summary>
    private BigInteger Laplace()
    {
        while (true)
        {
            var low = Below(scale);
            if (!IsExponential(low, scale))
                continue;
            var high = BigInteger.Zero;
            while (IsExponential(BigInteger.One, BigInteger.One))
                high++;
            var size = low + (scale * high);
            var isNegative = Below(2).IsOne;
            // Zero has one sign.
            if (!(isNegative && size.IsZero))
                return isNegative ? -size : size;
        }
    }

    /// <summary>True with a probability of e^(-γ), for a fraction γ of at least 0 (Algorithm 1).</summary>
    private bool IsExponential(BigInteger numerator, BigInteger denominator)
    {
        for (; numerator > denominator; numerator -= denominator)
        {
            if (!IsExponential(BigInteger.One, BigInteger.One))
                return false;
        }
        var k = BigInteger.One;
        for (; Below(denominator * k) < numerator; k++)
        {
        }
        return !k.IsEven;
    }

    /// <summary>Uniformly from 0 to below a bound: what lies beyond it is drawn again.</summary>
    private BigInteger Below(BigInteger bound)
    {
        if (bound.IsOne)
            return BigInteger.Zero;
        var bits = (int)(bound - 1).GetBitLength();
        Span<byte> bytes = stackalloc byte[256];
        bytes = (bits + 7) / 8 <= bytes.Length ? bytes[..((bits + 7) / 8)] : new byte[(bits + 7) / 8];
        while (true)
        {
            fill(bytes);
            bytes[^1] &= (byte)(0xff >> ((8 - (bits % 8)) % 8));
            var drawn = new BigInteger(bytes, isUnsigned: true);
            if (drawn < bound)
                return drawn;
        }
    }

    // ⌊√n⌋, by Newton's steps from above.
    private static BigInteger Root(BigInteger n)
    {
        if (n.IsZero)
            return n;
        var root = BigInteger.One << (int)((n.GetBitLength() + 1) / 2);
        while (true)
        {
            var next = (root + (n / root)) / 2;
            if (next >= root)
                return root;
            root = next;
        }
    }
}
