using System.Numerics;

namespace MantaLight.Partitioning;

/// <summary>
/// SplitMix64 (Steele, Lea and Flood, 2014) and the distributions that partitions need. The runtime's own generator may
/// change between versions; a seed must mean the same partition for ever.
/// </summary>
public sealed class SeededRandom
{
    private ulong state;

    /// <summary>A generator whose numbers have nothing to do with those of another stream of the same seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="stream">The stream.</param>
    public SeededRandom(ulong seed, ulong stream)
    {
        state = seed;
        state = NextUInt64() ^ (stream * 0xD1342543DE82EF95);
        state = NextUInt64();
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64()
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>A number above 0 and below 1.</summary>
    public double NextDouble() => ((NextUInt64() >> 11) + 0.5) * (1.0 / (1UL << 53));

    /// <summary>A number from 0 to below <paramref name="bound"/>, all equally likely.</summary>
    /// <param name="bound">Above 0.</param>
    public int Next(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        var mask = BitOperations.RoundUpToPowerOf2((ulong)bound) - 1;
        while (true)
        {
            var candidate = NextUInt64() & mask;
            if (candidate < (ulong)bound)
                return (int)candidate;
        }
    }

    /// <summary>Puts the items into a random order (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var other = Next(i + 1);
            (items[i], items[other]) = (items[other], items[i]);
        }
    }

    /// <summary>The logarithm of a Gamma(shape, 1) number; the number itself would be zero for small shapes.</summary>
    /// <param name="shape">Above 0.</param>
    public double NextLogGamma(double shape)
    {
        // Below 1: Gamma(a) is Gamma(a + 1) times U^(1/a).
        if (shape < 1)
            return NextLogGamma(shape + 1) + (Math.Log(NextDouble()) / shape);

        // Marsaglia and Tsang, A simple method for generating gamma variables, 2000.
        var d = shape - (1.0 / 3);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = NextNormal();
            var v = 1 + (c * x);
            if (v <= 0)
                continue;
            v = v * v * v;
            if (Math.Log(NextDouble()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v)))
                return Math.Log(d * v);
        }
    }

    /// <summary>A standard normal number (Box and Muller).</summary>
    public double NextNormal() =>
        Math.Sqrt(-2 * Math.Log(NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());
}
