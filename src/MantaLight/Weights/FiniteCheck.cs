using System.Numerics;
using System.Runtime.InteropServices;

namespace MantaLight.Weights;

/// <summary>Finds NaN and infinities, which are exactly the numbers whose exponent has all bits set.</summary>
internal static class FiniteCheck
{
    /// <summary>The first index with such a number; null where there is none.</summary>
    public static long? FirstNonFinite(NamedArray array) => array.Type switch
    {
        ArrayType.Float32 => First(array, 0x7F80_0000u),
        ArrayType.Float64 => First(array, 0x7FF0_0000_0000_0000ul),
        ArrayType.Float16 => First(array, (ushort)0x7C00),
        ArrayType.BFloat16 => First(array, (ushort)0x7F80),
        _ => null,
    };

    private static long? First<T>(NamedArray array, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var values = MemoryMarshal.Cast<byte, T>(array.Data.Span);
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
