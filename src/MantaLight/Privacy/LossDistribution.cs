using System.Numerics;
using MathNet.Numerics.IntegralTransforms;

namespace MantaLight.Privacy;

/// <summary>
/// The distribution of a privacy loss on a grid, never better than the true one: its privacy curve meets the true curve at the points of the grid and lies on chords above it between them
/// ("connecting the dots": Doroshenko et al. 2022, "Connect the Dots: Tighter Discrete Approximations of Privacy Loss Distributions").
/// </summary>
internal sealed class LossDistribution
{
    /// <summary>How far the points of the grid are apart.</summary>
    public const double Step = 1e-4;

    // What a window may leave out on either side; it counts as an infinite loss.
    private const double Tail = 1e-15;

    // So many standard deviations from the middle there is nothing that a double could hold beside the rest.
    private const double Reach = 9;

    private readonly int first;
    private readonly double[] masses;
    private readonly double infinite;

    private LossDistribution(int first, double[] masses, double infinite) => (this.first, this.masses, this.infinite) = (first, masses, infinite);

    /// <summary>Of one step.</summary>
    public static LossDistribution Of(SampledGaussian mechanism, Neighbour neighbour)
    {
        var curve = new HockeyStick(mechanism, neighbour);
        double[] ends = [curve.Loss(-Reach * mechanism.Noise), curve.Loss(1 + (Reach * mechanism.Noise))];
        var (first, last) = ((int)Math.Floor(ends.Min() / Step), (int)Math.Ceiling(ends.Max() / Step));
        var masses = new double[last - first + 1];
        // As a function of e^ε the curve is convex and begins at 1; where its chord turns, there is the loss, and as much of it as it turns.
        var (ratio, delta) = (Math.Exp(first * Step), curve.Delta(first * Step));
        var slope = (delta - 1) / ratio;
        for (var i = 0; i < masses.Length; i++)
        {
            var following = Math.Exp((first + i + 1) * Step);
            var next = i + 1 < masses.Length ? curve.Delta((first + i + 1) * Step) : delta;
            var onward = (next - delta) / (following - ratio);
            masses[i] = Math.Max(0, ratio * (onward - slope));
            (ratio, delta, slope) = (following, next, onward);
        }
        return new LossDistribution(first, masses, Math.Max(0, delta));
    }

    /// <summary>Of so many steps together, each with randomness of its own.</summary>
    public LossDistribution Repeat(long times)
    {
        if (times == 1)
            return this;
        var (low, high) = Window(times);
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(high - low + 1, 2));
        // Round a circle: what falls out of the window on one side comes in on the other, and is as little as the window leaves out.
        var circle = new Complex[size];
        for (var i = 0; i < masses.Length; i++)
            circle[Place(first + i, size)] += masses[i];
        Fourier.Forward(circle, FourierOptions.Matlab);
        for (var i = 0; i < size; i++)
            circle[i] = Complex.FromPolarCoordinates(Math.Pow(circle[i].Magnitude, times), circle[i].Phase * times);
        Fourier.Inverse(circle, FourierOptions.Matlab);
        var together = new double[high - low + 1];
        for (var i = 0; i < together.Length; i++)
            together[i] = Math.Max(0, circle[Place(low + i, size)].Real);
        return new LossDistribution(low, together, 1 - Math.Exp(times * LogSpace.LogOnePlus(-infinite)) + (2 * Tail));
    }

    /// <summary>The least ε of which δ is no more than allowed; infinite where there is none.</summary>
    public double Epsilon(double delta)
    {
        if (infinite > delta)
            return double.PositiveInfinity;
        // δ(ε) = infinite + Σ over greater losses l of m (1 - e^(ε - l)), from the greatest loss downwards.
        var (sum, weighted) = (infinite, 0.0);
        for (var i = masses.Length - 1; i >= 0; i--)
        {
            var loss = (first + i) * Step;
            if (weighted > 0 && sum - (Math.Exp(loss) * weighted) > delta)
                return Math.Max(0, Math.Log((sum - delta) / weighted));
            sum += masses[i];
            weighted += masses[i] * Math.Exp(-loss);
        }
        return 0;
    }

    private static int Place(int index, int size) => ((index % size) + size) % size;

    /// <summary>Where the sum of so many losses is but for the tails (Chernoff's bound).</summary>
    private (int Low, int High) Window(long times)
    {
        var (low, high) = (double.NegativeInfinity, double.PositiveInfinity);
        var logs = Array.ConvertAll(masses, Math.Log);
        for (var power = 1e-3; power < 1e4; power *= 1.6)
        {
            high = Math.Min(high, ((times * LogMoment(logs, power)) - Math.Log(Tail)) / power);
            low = Math.Max(low, -((times * LogMoment(logs, -power)) - Math.Log(Tail)) / power);
        }
        var (least, most) = ((double)times * first, (double)times * (first + masses.Length - 1));
        return ((int)Math.Max(least, Math.Floor(low / Step)), (int)Math.Min(most, Math.Ceiling(high / Step)));
    }

    /// <summary>ln E[e^(power · loss)].</summary>
    private double LogMoment(double[] logs, double power)
    {
        var greatest = double.NegativeInfinity;
        for (var i = 0; i < logs.Length; i++)
            greatest = Math.Max(greatest, logs[i] + (power * (first + i) * Step));
        var sum = 0.0;
        for (var i = 0; i < logs.Length; i++)
            sum += Math.Exp(logs[i] + (power * (first + i) * Step) - greatest);
        return greatest + Math.Log(sum);
    }
}
