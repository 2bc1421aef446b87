namespace MantaLight.Statistics.Noise;

/// <summary>How far sums of discrete Laplace noise stray.</summary>
internal static class NoiseBound
{
    private const int Trials = 400;

    /// <summary>
    /// What the sum of so many numbers, each times at most 1 or -1, stays below in magnitude but with that probability: Chernoff's bound, min over s of (n ln E[exp(s Z)] + ln(2 / β)) / s with
    /// E[exp(s Z)] = (1 - p)² / ((1 - p e^s)(1 - p e^-s)), p = exp(-1 / scale). Any s gives a bound that holds.
    /// </summary>
    /// <param name="scale">Of each number.</param>
    /// <param name="count">How many numbers.</param>
    /// <param name="failure">β, above 0 and below 1.</param>
    public static double OfSum(double scale, long count, double failure)
    {
        if (count == 0)
            return 0;
        var least = double.PositiveInfinity;
        var rate = 1 / scale;
        for (var i = 1; i < Trials; i++)
        {
            var s = rate * i / Trials;
            // 1 - p e^s and its like by expm1, since both are nearly 1 where the scale is large.
            var logarithm = (2 * Math.Log(-MinusOne(-rate))) - Math.Log(-MinusOne(s - rate)) - Math.Log(-MinusOne(-s - rate));
            least = Math.Min(least, ((count * Math.Max(logarithm, 0)) + Math.Log(2 / failure)) / s);
        }
        return least;
    }

    /// <summary>exp(x) - 1 for x below 0, with all digits where x is small.</summary>
    private static double MinusOne(double x)
    {
        if (x < -1e-3)
            return Math.Exp(x) - 1;
        return x * (1 + (x / 2 * (1 + (x / 3 * (1 + (x / 4))))));
    }
}
