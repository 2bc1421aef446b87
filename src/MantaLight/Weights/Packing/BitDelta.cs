using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace MantaLight.Weights.Packing;

/// <summary>A difference of floats that loses nothing: of their bits, where those of near numbers are near.</summary>
internal static class BitDelta
{
    public static ReadOnlySpan<byte> Encode(ReadOnlySpan<uint> values, ReadOnlySpan<uint> from)
    {
        var difference = new uint[values.Length];
        TensorPrimitives.Subtract(values, from, difference);
        return MemoryMarshal.AsBytes(difference.AsSpan());
    }

    public static void Decode(ReadOnlySpan<byte> difference, ReadOnlySpan<uint> from, Span<uint> values) =>
        TensorPrimitives.Add(MemoryMarshal.Cast<byte, uint>(difference), from, values);
}
