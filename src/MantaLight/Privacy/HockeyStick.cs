namespace MantaLight.Privacy;

/// <summary>Which of two neighbours has the participant.</summary>
internal enum Neighbour
{
    /// <summary>The first: what is told of the mixture is compared with plain noise.</summary>
    Removed,

    /// <summary>The second: plain noise is compared with the mixture.</summary>
    Added,
}

/// <summary>
/// The privacy curve of one step of the Poisson-subsampled Gaussian, exactly: δ(ε) = ∫ max(0, p - e^ε q), with p and q the densities of the two neighbours.
/// They are N(0, z²) and (1 - s) N(0, z²) + s N(1, z²) for a sampling probability s (Zhu, Dong and Wang 2022, "Optimal accounting of differential privacy via characteristic function").
/// </summary>
internal sealed class HockeyStick(SampledGaussian mechanism, Neighbour neighbour)
{
    private readonly double q = mechanism.Sampling;
    private readonly double noise = mechanism.Noise;

    /// <summary>δ at a privacy loss of ε.</summary>
    public double Delta(double epsilon)
    {
        var ratio = Math.Exp(epsilon);
        if (neighbour == Neighbour.Removed)
        {
            // The loss is never below ln(1 - s): there all of p counts.
            if (ratio <= 1 - q)
                return 1 - ratio;
            var x = Place(ratio);
            return ((1 - q) * LogSpace.Tail(x / noise)) + (q * LogSpace.Tail((x - 1) / noise)) - (ratio * LogSpace.Tail(x / noise));
        }
        // It is never above -ln(1 - s).
        if (1 / ratio <= 1 - q)
            return 0;
        var y = Place(1 / ratio);
        return Lower(y) - (ratio * (((1 - q) * Lower(y)) + (q * Lower(y - 1))));
    }

    /// <summary>The privacy loss of an outcome.</summary>
    public double Loss(double outcome)
    {
        // ln((1 - s) + s e^t), for t of any size.
        var t = ((2 * outcome) - 1) / (2 * noise * noise);
        var mixture = q == 1 ? t : LogSpace.Add(LogSpace.LogOnePlus(-q), Math.Log(q) + t);
        return neighbour == Neighbour.Removed ? mixture : -mixture;
    }

    // The outcome at which the mixture is so many times as likely as plain noise.
    private double Place(double ratio) => (noise * noise * Math.Log((ratio - (1 - q)) / q)) + 0.5;

    private double Lower(double x) => LogSpace.Tail(-x / noise);
}
