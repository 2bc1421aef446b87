namespace MantaLight.Privacy;

/// <summary>How those are chosen who take part in a step, and with it what neighbours are.</summary>
public enum SamplingScheme
{
    /// <summary>Each with a probability of its own draw. Neighbours differ by one participant that is there or not.</summary>
    Poisson,

    /// <summary>So many of all, without replacement. Neighbours differ by one participant that is another one, so that their sums differ by up to twice the clipping norm.</summary>
    Fixed,
}

/// <summary>One step of a private mechanism: some take part, the contributions are clipped to a norm, and Gaussian noise is added to their sum.</summary>
public sealed record SampledGaussian
{
    /// <summary>The range of noise multipliers: with less there is no privacy to speak of, with more no signal.</summary>
    internal const double LeastNoise = 0.01, MostNoise = 1e6;

    /// <param name="sampling">The probability of taking part, above 0 and at most 1.</param>
    /// <param name="noise">The noise multiplier: the standard deviation of the noise in units of the clipping norm, 0.01 to a million.</param>
    /// <param name="scheme">How they are chosen.</param>
    /// <exception cref="InvalidSettingException">One of them is out of its range.</exception>
    public SampledGaussian(double sampling, double noise, SamplingScheme scheme = SamplingScheme.Poisson)
    {
        if (!(sampling is > 0 and <= 1))
            throw new InvalidSettingException($"A sampling probability of {sampling} is not possible; it is above 0 and at most 1.");
        if (!(noise is >= LeastNoise and <= MostNoise))
            throw new InvalidSettingException($"A noise multiplier of {noise} is not possible; {LeastNoise} to {MostNoise:N0} are.");
        (Sampling, Noise, Scheme) = (sampling, noise, scheme);
    }

    /// <summary>The probability of taking part: with <see cref="SamplingScheme.Fixed"/>, how many do over how many there are.</summary>
    public double Sampling { get; }

    /// <summary>The noise multiplier.</summary>
    public double Noise { get; }

    /// <summary>How those who take part are chosen.</summary>
    public SamplingScheme Scheme { get; }
}
