using System.Globalization;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>Says which element has no mean: NaN, an infinity, a float64 that could drive a sum to infinity, a boolean that is none.</summary>
internal static class ElementCheck
{
    /// <summary>What is wrong with the first such element; null where all are fine.</summary>
    /// <param name="header">The array.</param>
    /// <param name="data">Some of its elements, little-endian.</param>
    /// <param name="first">The index of the first of them.</param>
    public static string? Find(ArrayHeader header, ReadOnlySpan<byte> data, long first) => header.Type switch
    {
        ArrayType.Float32 => Find<float>(header, data, first, float.IsFinite, v => v.ToString(CultureInfo.InvariantCulture)),
        ArrayType.Float16 => Find<Half>(header, data, first, Half.IsFinite, v => v.ToString(CultureInfo.InvariantCulture)),
        ArrayType.BFloat16 => Find<ushort>(
            header, data, first, v => float.IsFinite(BrainFloat.ToSingle(v)), v => BrainFloat.ToSingle(v).ToString(CultureInfo.InvariantCulture)),
        ArrayType.Float64 => Find<double>(header, data, first, v => Math.Abs(v) <= FloatSums.Largest, v => v.ToString(CultureInfo.InvariantCulture)),
        ArrayType.Bool when data.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var at =>
            $"Array '{header}' holds {data[at]} at index {first + at}; a boolean is 0 or 1.",
        _ => null,
    };

    private static string? Find<T>(ArrayHeader header, ReadOnlySpan<byte> data, long first, Predicate<T> isFine, Func<T, string> text)
        where T : unmanaged
    {
        var values = MemoryMarshal.Cast<byte, T>(data);
        for (var i = 0; i < values.Length; i++)
        {
            if (!isFine(values[i]))
                return $"Array '{header}' holds {text(values[i])} at index {first + i}; a mean needs finite values.";
        }
        return null;
    }
}
