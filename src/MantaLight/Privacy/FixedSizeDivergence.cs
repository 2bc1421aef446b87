namespace MantaLight.Privacy;

/// <summary>
/// Rényi differential privacy of one step of the Gaussian mechanism on so many of all, drawn without replacement (Wang, Balle and Kasiviswanathan 2019, "Subsampled Rényi Differential Privacy and Analytical
/// Moments Accountant", Theorem 9). Neighbours have one participant replaced: of two sums that were clipped to C the difference is up to 2C, so that without sampling the divergence is 2α/z². An upper bound.
/// </summary>
internal static class FixedSizeDivergence
{
    /// <summary>The bound for an order.</summary>
    /// <param name="share">γ: how many take part over how many there are, above 0 and at most 1.</param>
    /// <param name="noise">z, in units of the clipping norm.</param>
    /// <param name="order">α, above 1.</param>
    public static double Of(double share, double noise, double order)
    {
        var all = Whole(noise, order);
        if (share == 1)
            return all;
        // (α - 1) times the divergence is convex in α and 0 at 1: between whole orders it is below the chord (the paper's Corollary 10).
        var (low, high) = (Math.Floor(order), Math.Ceiling(order));
        var moment = Moment(share, noise, (int)low);
        if (high > low)
            moment += (order - low) * (Moment(share, noise, (int)high) - moment);
        // Who is not drawn only adds doubt: sampling never costs.
        return Math.Min(all, moment / (order - 1));
    }

    /// <summary>The divergence where all take part.</summary>
    private static double Whole(double noise, double order) => 2 * order / (noise * noise);

    /// <summary>(α - 1) times the bound, for a whole α: ln(1 + Σ terms), with the unbounded ε(∞) of Gaussian noise.</summary>
    private static double Moment(double share, double noise, int order)
    {
        if (order == 1)
            return 0;
        var (second, logShare) = (Whole(noise, 2), Math.Log(share));
        // ln C(α, 2) first, then from each term to the next.
        var binomial = Math.Log(order) + Math.Log(order - 1) - Math.Log(2);
        // min(4 (e^ε(2) - 1), 2 e^ε(2))
        var sum = LogSpace.Add(0, (2 * logShare) + binomial + Math.Min(Math.Log(4) + LogSpace.Subtract(second, 0), second + Math.Log(2)));
        for (var j = 3; j <= order; j++)
        {
            binomial += Math.Log((double)(order - j + 1) / j);
            sum = LogSpace.Add(sum, (j * logShare) + binomial + ((j - 1) * Whole(noise, j)) + Math.Log(2));
        }
        return sum;
    }
}
