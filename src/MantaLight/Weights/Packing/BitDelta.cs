using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace MantaLight.Weights.Packing;

/// <summary>A difference of floats that loses nothing: of their bits, where those of near numbers are near.</summary>
internal static class BitDelta
{
    public static void Encode(ReadOnlySpan<float> values, ReadOnlySpan<float> from, Span<byte> difference) => TensorPrimitives.Subtract(
        MemoryMarshal.Cast<float, uint>(values), MemoryMarshal.Cast<float, uint>(from), MemoryMarshal.Cast<byte, uint>(difference));

    public static void Decode(ReadOnlySpan<byte> difference, ReadOnlySpan<float> from, Span<float> values) => TensorPrimitives.Add(
        MemoryMarshal.Cast<byte, uint>(difference), MemoryMarshal.Cast<float, uint>(from), MemoryMarshal.Cast<float, uint>(values));
}
