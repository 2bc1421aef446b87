using System.Numerics;
using MathNet.Numerics.IntegralTransforms;

namespace MantaLight.Privacy;

/// <summary>
/// The distribution of a privacy loss on a grid, never better than the true one: its privacy curve meets the true curve at the points of the grid and lies on chords above it between them
/// ("connecting the dots": Doroshenko et al. 2022, "Connect the Dots: Tighter Discrete Approximations of Privacy Loss Distributions").
/// </summary>
internal sealed class LossDistribution
{
    /// <summary>The most points of a grid: a coarser one is no less valid, only less tight.</summary>
    private const int MostPoints = 1 << 21;

    // e to the power of a loss must be a number.
    private const double LargestLoss = 700;

    // As far apart as the points of a grid are at most, unless there would be too many.
    private const double UsualStep = 1e-4;

    // What a window may leave out on either side; it counts as an infinite loss.
    private const double Tail = 1e-15;

    // So many standard deviations from the middle there is nothing that a double could hold beside the rest.
    private const double Reach = 9;

    private readonly double step;
    private readonly int first;
    private readonly double[] masses;
    private readonly double infinite;

    private LossDistribution(double step, int first, double[] masses, double infinite) => (this.step, this.first, this.masses, this.infinite) = (step, first, masses, infinite);

    /// <summary>Of so many steps together, each with randomness of its own.</summary>
    /// <exception cref="InvalidSettingException">Losses are larger than a double's exponent.</exception>
    public static LossDistribution Of(SampledGaussian mechanism, Neighbour neighbour, long times)
    {
        var curve = new HockeyStick(mechanism, neighbour);
        double[] ends = [curve.Loss(-Reach * mechanism.Noise), curve.Loss(1 + (Reach * mechanism.Noise))];
        if (!ends.All(end => Math.Abs(end) < LargestLoss))
            throw new InvalidSettingException($"A noise multiplier of {mechanism.Noise} is too small for privacy loss distributions: single losses reach {ends.Max(Math.Abs):G3}. Use rdp.");
        return Single(curve, ends.Min(), ends.Max(), StepFor(curve, mechanism.Noise, ends.Max() - ends.Min(), times)).Repeat(times);
    }

    /// <summary>The least ε of which δ is no more than allowed; infinite where there is none.</summary>
    public double Epsilon(double delta)
    {
        // δ(ε) = infinite + Σ over greater losses l of m (1 - e^(ε - l)), from the greatest loss downwards; weighted is Σ m e^(here - l).
        var (sum, weighted, fall) = (infinite, 0.0, Math.Exp(-step));
        if (sum > delta)
            return double.PositiveInfinity;
        for (var i = masses.Length - 1; i >= 0; i--)
        {
            weighted *= fall;
            if (sum - weighted > delta)
                return Math.Max(0, ((first + i) * step) + Math.Log((sum - delta) / weighted));
            sum += masses[i];
            weighted += masses[i];
        }
        // All of it is within what is allowed, or lies below the lowest point.
        return 0;
    }

    /// <summary>Fine enough for the losses of one step to have a shape, and no finer than there is room for.</summary>
    private static double StepFor(HockeyStick curve, double noise, double range, long times)
    {
        // Their deviation over plain noise, by the trapezoid rule.
        var (weights, mean, square) = (0.0, 0.0, 0.0);
        for (var x = -Reach; x <= Reach; x += 0.01)
        {
            var (weight, loss) = (Math.Exp(-x * x / 2), curve.Loss(x * noise));
            (weights, mean, square) = (weights + weight, mean + (weight * loss), square + (weight * loss * loss));
        }
        var deviation = Math.Sqrt(Math.Max(0, (square / weights) - (mean / weights * (mean / weights))));
        var window = range + (4 * Reach * deviation * Math.Sqrt(times));
        return Math.Max(window / MostPoints, Math.Min(UsualStep, deviation / 4));
    }

    private static LossDistribution Single(HockeyStick curve, double least, double greatest, double step)
    {
        var (first, last) = ((int)Math.Floor(least / step), (int)Math.Ceiling(greatest / step));
        var masses = new double[last - first + 1];
        // As a function of e^ε the curve is convex and begins at 1; where its chord turns, there is the loss, and as much of it as it turns.
        var (ratio, delta) = (Math.Exp(first * step), curve.Delta(first * step));
        var slope = (delta - 1) / ratio;
        for (var i = 0; i < masses.Length; i++)
        {
            var following = Math.Exp((first + i + 1) * step);
            var next = i + 1 < masses.Length ? curve.Delta((first + i + 1) * step) : delta;
            var onward = (next - delta) / (following - ratio);
            masses[i] = Math.Max(0, ratio * (onward - slope));
            (ratio, delta, slope) = (following, next, onward);
        }
        return new LossDistribution(step, first, masses, Math.Max(0, delta));
    }

    private LossDistribution Repeat(long times)
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
        // No mass is negative but by rounding: by as much every other one may be wrong, and that counts as an infinite loss too.
        var rounding = -circle.Min(mass => mass.Real) * size;
        var together = new double[high - low + 1];
        for (var i = 0; i < together.Length; i++)
            together[i] = Math.Max(0, circle[Place(low + i, size)].Real);
        return new LossDistribution(step, low, together, 1 - Math.Exp(times * LogSpace.LogOnePlus(-infinite)) + (2 * Tail) + Math.Max(0, rounding));
    }

    private static int Place(int index, int size) => ((index % size) + size) % size;

    /// <summary>Where the sum of so many losses is but for the tails (Chernoff's bound).</summary>
    /// <exception cref="InvalidSettingException">It is wider, or further from zero, than can be counted.</exception>
    private (int Low, int High) Window(long times)
    {
        var (low, high) = (double.NegativeInfinity, double.PositiveInfinity);
        var logs = Array.ConvertAll(masses, Math.Log);
        for (var power = 1e-3; power < 1e5; power *= 1.6)
        {
            high = Math.Min(high, ((times * LogMoment(logs, power)) - Math.Log(Tail)) / power);
            low = Math.Max(low, -((times * LogMoment(logs, -power)) - Math.Log(Tail)) / power);
        }
        var (least, most) = (Math.Max((double)times * first, Math.Floor(low / step)), Math.Min((double)times * (first + masses.Length - 1), Math.Ceiling(high / step)));
        return least > int.MinValue / 2 && most < int.MaxValue / 2 && most - least < 4 * MostPoints && most >= least
            ? ((int)least, (int)most)
            : throw new InvalidSettingException($"The privacy loss of {times:N0} steps is too wide for its distribution to be counted. Use rdp.");
    }

    /// <summary>ln E[e^(power · loss)].</summary>
    private double LogMoment(double[] logs, double power)
    {
        var greatest = double.NegativeInfinity;
        for (var i = 0; i < logs.Length; i++)
            greatest = Math.Max(greatest, logs[i] + (power * (first + i) * step));
        var sum = 0.0;
        for (var i = 0; i < logs.Length; i++)
            sum += Math.Exp(logs[i] + (power * (first + i) * step) - greatest);
        return greatest + Math.Log(sum);
    }
}
