using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace MantaLight.Weights.Packing;

/// <summary>float32 as floats of 16 bits and back: rounded to nearest, half to even; what is beyond the range becomes the largest number.</summary>
internal static class SmallFloats
{
    private const ushort HalfInfinity = 0x7C00;
    private const ushort BrainInfinity = 0x7F80;

    /// <summary>So many at once that they are still in the nearest cache when they are looked at again.</summary>
    private const int Block = 4096;

    /// <summary>Rounds finite numbers to IEEE 754 halves.</summary>
    public static void ToHalf(ReadOnlySpan<float> values, Span<Half> halves)
    {
        for (var at = 0; at < values.Length; at += Block)
        {
            var block = halves[at..Math.Min(at + Block, values.Length)];
            TensorPrimitives.ConvertToHalf(values.Slice(at, block.Length), block);
            KeepFinite(MemoryMarshal.Cast<Half, ushort>(block));
        }
    }

    /// <summary>Rounds finite numbers to bfloat16.</summary>
    public static void ToBrain(ReadOnlySpan<float> values, Span<ushort> brains)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var at = 0;
        for (; at <= bits.Length - (2 * Vector<uint>.Count); at += 2 * Vector<uint>.Count)
        {
            var rounded = Vector.Narrow(Upper(new Vector<uint>(bits[at..])), Upper(new Vector<uint>(bits[(at + Vector<uint>.Count)..])));
            Finite(rounded, BrainInfinity).CopyTo(brains[at..]);
        }
        for (; at < bits.Length; at++)
            brains[at] = Finite((ushort)((bits[at] + 0x7FFF + ((bits[at] >> 16) & 1)) >> 16), BrainInfinity);
    }

    /// <summary>Exact.</summary>
    public static void OfHalf(ReadOnlySpan<Half> halves, Span<float> values) => TensorPrimitives.ConvertToSingle(halves, values);

    /// <summary>Exact.</summary>
    public static void OfBrain(ReadOnlySpan<ushort> brains, Span<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var at = 0;
        for (; at <= brains.Length - Vector<ushort>.Count; at += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(brains[at..]), out var low, out var high);
            Vector.ShiftLeft(low, 16).CopyTo(bits[at..]);
            Vector.ShiftLeft(high, 16).CopyTo(bits[(at + Vector<uint>.Count)..]);
        }
        for (; at < brains.Length; at++)
            bits[at] = (uint)brains[at] << 16;
    }

    // The upper half of each, after what rounds it has been added.
    private static Vector<uint> Upper(Vector<uint> bits) =>
        Vector.ShiftRightLogical(bits + new Vector<uint>(0x7FFF) + (Vector.ShiftRightLogical(bits, 16) & Vector<uint>.One), 16);

    private static void KeepFinite(Span<ushort> halves)
    {
        var at = 0;
        for (; at <= halves.Length - Vector<ushort>.Count; at += Vector<ushort>.Count)
            Finite(new Vector<ushort>(halves[at..]), HalfInfinity).CopyTo(halves[at..]);
        for (; at < halves.Length; at++)
            halves[at] = Finite(halves[at], HalfInfinity);
    }

    // An infinity's predecessor is the largest number of its sign; where they are equal, the mask is -1.
    private static Vector<ushort> Finite(Vector<ushort> values, ushort infinity) => values + Vector.Equals(values & new Vector<ushort>(0x7FFF), new Vector<ushort>(infinity));

    private static ushort Finite(ushort value, ushort infinity) => (value & 0x7FFF) == infinity ? (ushort)(value - 1) : value;
}
