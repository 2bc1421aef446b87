using System.Numerics;
using System.Runtime.InteropServices;

namespace MantaLight.SecureAggregation;

/// <summary>
/// Numbers as integers of a ring, so that sums are exact: round(n · x · s), with x within the range and n the contribution's weight. The scale s is the largest power of two with which no sum can pass the ring's middle:
/// contributors · ⌈most weight · range · s⌉ ≤ 2^(bits - 1) - 1. Rounded stochastically (Bonawitz et al. 2017, 7.1; Bell et al. 2020), so that the mean of many is not bent.
/// </summary>
internal sealed class FixedPoint
{
    // A contribution has at least this many steps on each side of 0.
    private const int LeastSteps = 64;

    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <param name="bits">Of a number of the ring: 16, 32 or 64.</param>
    /// <param name="range">The largest magnitude of an x, above 0.</param>
    /// <param name="mostWeight">The largest n, at least 1.</param>
    /// <param name="contributors">The most numbers of a sum, at least 1.</param>
    /// <exception cref="TaskContractException">The ring is too small for so many.</exception>
    public FixedPoint(int bits, double range, long mostWeight, int contributors)
    {
        (Bits, Range, MostWeight) = (bits, range, mostWeight);
        var limit = (BigInteger.One << (bits - 1)) - 1;
        var exponent = bits - 1 - (int)Math.Floor(Math.Log2(range * mostWeight * contributors));
        while (Most(exponent) * contributors > limit)
            exponent--;
        Scale = Math.ScaleB(1, exponent);
        if (Most(exponent) < LeastSteps)
            throw new TaskContractException($"Sums of {contributors} contributions of {bits} bits are too coarse: set \"bits\": {(bits == 16 ? 32 : 64)} in 'secure_aggregation'.");
    }

    /// <summary>Of a number of the ring.</summary>
    public int Bits { get; }

    /// <summary>The largest magnitude of a number.</summary>
    public double Range { get; }

    /// <summary>The largest weight.</summary>
    public long MostWeight { get; }

    /// <summary>s.</summary>
    public double Scale { get; }

    private BigInteger Most(int exponent) => new(Math.Ceiling(Math.ScaleB(MostWeight * Range, exponent)));

    /// <summary>Encodes numbers.</summary>
    /// <param name="values">Finite numbers; what is beyond the range counts as its end.</param>
    /// <param name="weight">n, from 1 to the most.</param>
    /// <param name="numbers">As many numbers of the ring.</param>
    /// <param name="seed">Of the rounding.</param>
    /// <param name="first">The place of the first number among all: each place is rounded by its own draw.</param>
    /// <returns>How many were beyond the range.</returns>
    public long Encode(ReadOnlySpan<double> values, long weight, Span<byte> numbers, ulong seed, long first)
    {
        var factor = weight * Scale;
        long beyond = 0;
        for (var i = 0; i < values.Length; i++)
        {
            var value = Math.Clamp(values[i], -Range, Range);
            if (value != values[i])
                beyond++;
            var exact = value * factor;
            var below = Math.Floor(exact);
            // Whoever has 64 bits has none to round.
            var draw = (Mix(seed + ((ulong)(first + i + 1) * Golden)) >> 11) * (1.0 / (1UL << 53));
            Write(numbers, i, (long)below + (draw < exact - below ? 1 : 0));
        }
        return beyond;
    }

    /// <summary>Decodes sums: divided by the scale and by the sum of the weights.</summary>
    /// <param name="numbers">Sums, of the ring.</param>
    /// <param name="weight">Of all contributions, above 0.</param>
    /// <param name="values">As many means.</param>
    public void Decode(ReadOnlySpan<byte> numbers, long weight, Span<double> values)
    {
        for (var i = 0; i < values.Length; i++)
            values[i] = Read(numbers, i) / Scale / weight;
    }

    private void Write(Span<byte> numbers, int place, long value)
    {
        switch (Bits)
        {
            case 16:
                MemoryMarshal.Cast<byte, short>(numbers)[place] = (short)value;
                break;
            case 32:
                MemoryMarshal.Cast<byte, int>(numbers)[place] = (int)value;
                break;
            default:
                MemoryMarshal.Cast<byte, long>(numbers)[place] = value;
                break;
        }
    }

    private double Read(ReadOnlySpan<byte> numbers, int place) => Bits switch
    {
        16 => MemoryMarshal.Cast<byte, short>(numbers)[place],
        32 => MemoryMarshal.Cast<byte, int>(numbers)[place],
        _ => MemoryMarshal.Cast<byte, long>(numbers)[place],
    };

    // SplitMix64 (Steele, Lea and Flood 2014).
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
