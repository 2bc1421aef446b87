namespace MantaLight.Statistics;

/// <summary>
/// Count, mean and sum of squared deviations of some numbers, and of the union of several (Chan, Golub and LeVeque 1983, "Algorithms for Computing the Sample Variance", equations 1.5): no digits are lost to
/// large means, as they are by sums of squares.
/// </summary>
/// <param name="Count">How many numbers.</param>
/// <param name="Mean">Their mean; 0 of none.</param>
/// <param name="Squares">Σ (x - mean)².</param>
public readonly record struct Moments(long Count, double Mean, double Squares)
{
    /// <summary>The variance, over n; 0 of no numbers.</summary>
    public double Variance => Count > 0 ? Squares / Count : 0;

    /// <summary>Of numbers, NaN left out; in two passes.</summary>
    public static Moments Of(ReadOnlySpan<double> values)
    {
        double sum = 0, squares = 0, rest = 0;
        long count = 0;
        foreach (var value in values)
            (sum, count) = double.IsNaN(value) ? (sum, count) : (sum + value, count + 1);
        if (count == 0)
            return default;
        var mean = sum / count;
        foreach (var value in values)
        {
            if (double.IsNaN(value))
                continue;
            squares += (value - mean) * (value - mean);
            rest += value - mean;
        }
        // What rounding has left of the mean is made up for, in both.
        return new Moments(count, mean + (rest / count), squares - (rest * rest / count));
    }

    /// <summary>Of the numbers of both.</summary>
    public Moments With(Moments other)
    {
        if (Count == 0 || other.Count == 0)
            return Count == 0 ? other : this;
        var (all, distance) = (Count + other.Count, other.Mean - Mean);
        return new Moments(all, Mean + (distance * ((double)other.Count / all)), Squares + other.Squares + (distance * distance * ((double)Count * other.Count / all)));
    }
}
