using System.Numerics;
using System.Runtime.InteropServices;

namespace MantaLight.Weights;

/// <summary>Finds NaN and infinities, which are exactly the numbers whose exponent has all bits set.</summary>
internal static class FiniteCheck
{
    /// <summary>Bytes that are checked and then copied while they are in the processor's first cache.</summary>
    private const int Piece = 16 << 10;

    /// <summary>The first index with such a number; null where there is none.</summary>
    public static long? FirstNonFinite(NamedArray array) => FirstNonFinite(array.Type, array.Data.Span);

    /// <summary>Copies up to such a number; its index, or null where there is none.</summary>
    public static long? Copy(NamedArray array, Span<byte> target)
    {
        var data = array.Data.Span;
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Length, data.Length);
        for (var at = 0; at < data.Length; at += Piece)
        {
            var piece = data.Slice(at, Math.Min(Piece, data.Length - at));
            if (FirstNonFinite(array.Type, piece) is { } found)
                return (at / array.Type.SizeInBytes()) + found;
            piece.CopyTo(target[at..]);
        }
        return null;
    }

    private static long? FirstNonFinite(ArrayType type, ReadOnlySpan<byte> data) => type switch
    {
        ArrayType.Float32 => First(data, 0x7F80_0000u),
        ArrayType.Float64 => First(data, 0x7FF0_0000_0000_0000ul),
        ArrayType.Float16 => First(data, (ushort)0x7C00),
        ArrayType.BFloat16 => First(data, (ushort)0x7F80),
        _ => null,
    };

    private static long? First<T>(ReadOnlySpan<byte> data, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var values = MemoryMarshal.Cast<byte, T>(data);
        var mask = new Vector<T>(exponent);
        var i = 0;
        foreach (var block in MemoryMarshal.Cast<T, Vector<T>>(values))
        {
            if (Vector.EqualsAny(block & mask, mask))
                break;
            i += Vector<T>.Count;
        }
        for (; i < values.Length; i++)
        {
            if ((values[i] & exponent) == exponent)
                return i;
        }
        return null;
    }
}
