using MathNet.Numerics;

namespace MantaLight.Privacy;

/// <summary>Sums, differences and the tails of the normal distribution by their logarithms, where the numbers themselves would over- or underflow.</summary>
internal static class LogSpace
{
    /// <summary>ln(e^a + e^b).</summary>
    public static double Add(double a, double b)
    {
        var (low, high) = a < b ? (a, b) : (b, a);
        return double.IsNegativeInfinity(low) ? high : high + LogOnePlus(Math.Exp(low - high));
    }

    /// <summary>ln(e^a - e^b), for a at least b.</summary>
    public static double Subtract(double a, double b) =>
        double.IsNegativeInfinity(b) ? a : a <= b ? double.NegativeInfinity : a + LogOnePlus(-Math.Exp(b - a));

    /// <summary>ln(1 + x), exact for small x.</summary>
    public static double LogOnePlus(double x)
    {
        var sum = 1 + x;
        // What rounding took from x is made good (Kahan).
        return sum == 1 ? x : sum <= 0 ? double.NegativeInfinity : Math.Log(sum) * (x / (sum - 1));
    }

    /// <summary>The upper tail of the standard normal distribution.</summary>
    public static double Tail(double x) => SpecialFunctions.Erfc(x / Math.Sqrt(2)) / 2;

    /// <summary>ln erfc(x); the asymptotic series (Abramowitz and Stegun 7.1.23) where erfc itself would be 0.</summary>
    public static double LogErfc(double x)
    {
        if (x < 20)
            return Math.Log(SpecialFunctions.Erfc(x));
        var (term, sum, square) = (1.0, 1.0, 2 * x * x);
        for (var n = 1; n <= 8; n++)
            sum += term *= -((2 * n) - 1) / square;
        return -(x * x) - Math.Log(x * Math.Sqrt(Math.PI)) + Math.Log(sum);
    }
}
