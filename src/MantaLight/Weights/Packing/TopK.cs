using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace MantaLight.Weights.Packing;

/// <summary>The elements of the largest magnitude (Aji and Heafield 2017, Stich et al. 2018); of equal ones those that come first.</summary>
internal static class TopK
{
    private const int Buckets = 1 << 16;
    private const uint Magnitude = 0x7FFF_FFFF;

    /// <summary>How many of an array's elements travel: at least one, where there is one.</summary>
    public static long CountOf(double part, long count) => Math.Min(count, (long)Math.Ceiling(part * count));

    /// <summary>Finds them, in ascending order.</summary>
    /// <param name="values">Finite values.</param>
    /// <param name="indices">As many as are wanted, at most as there are values.</param>
    public static void Select(ReadOnlySpan<float> values, Span<uint> indices)
    {
        if (indices.IsEmpty)
            return;
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var (least, ties) = Threshold(bits, indices.Length);
        var (found, at) = (0, 0);
        while (at < bits.Length && found < indices.Length)
        {
            var end = Math.Min(at + Vector<uint>.Count, bits.Length);
            // Most stretches have none.
            if (end - at == Vector<uint>.Count && Vector.LessThanAll(new Vector<uint>(bits[at..]) & new Vector<uint>(Magnitude), new Vector<uint>(least)))
                at = end;
            for (; at < end && found < indices.Length; at++)
            {
                var magnitude = bits[at] & Magnitude;
                if (magnitude > least || (magnitude == least && ties-- > 0))
                    indices[found++] = (uint)at;
            }
        }
    }

    /// <summary>The least magnitude that is wanted, and how many of exactly that one. Magnitudes of floats are ordered as their bits are.</summary>
    private static (uint Least, int Ties) Threshold(ReadOnlySpan<uint> bits, int wanted)
    {
        var counts = ArrayPool<int>.Shared.Rent(Buckets);
        try
        {
            return Threshold(bits, wanted, counts.AsSpan(0, Buckets));
        }
        finally
        {
            ArrayPool<int>.Shared.Return(counts);
        }
    }

    private static (uint Least, int Ties) Threshold(ReadOnlySpan<uint> bits, int wanted, Span<int> counts)
    {
        counts.Clear();
        foreach (var value in bits)
            counts[(int)((value & Magnitude) >> 16)]++;
        var high = Walk(counts, ref wanted);
        counts.Clear();
        foreach (var value in bits)
        {
            if ((value & Magnitude) >> 16 == high)
                counts[(int)(value & 0xFFFF)]++;
        }
        return ((high << 16) | Walk(counts, ref wanted), wanted);
    }

    // From the top, until the wanted number is reached within a bucket; what is then left to want are that bucket's.
    private static uint Walk(Span<int> counts, ref int wanted)
    {
        var bucket = counts.Length - 1;
        while (counts[bucket] < wanted)
            wanted -= counts[bucket--];
        return (uint)bucket;
    }
}
