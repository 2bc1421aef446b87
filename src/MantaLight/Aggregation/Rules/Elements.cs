using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Aggregation.Rules;

/// <summary>Elements of any type as float64 and back: exact for floats, and for integers of up to 2^53.</summary>
internal static class Elements
{
    /// <summary>Widens elements.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="data">The elements, little-endian.</param>
    /// <param name="values">As many values.</param>
    public static void Widen(ArrayType type, ReadOnlySpan<byte> data, Span<double> values)
    {
        switch (type)
        {
            case ArrayType.Float32:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, float>(data), values);
                break;
            case ArrayType.Float64:
                MemoryMarshal.Cast<byte, double>(data).CopyTo(values);
                break;
            case ArrayType.Float16:
                WidenEach(MemoryMarshal.Cast<byte, Half>(data), values);
                break;
            case ArrayType.BFloat16:
                var brains = MemoryMarshal.Cast<byte, ushort>(data);
                for (var i = 0; i < brains.Length; i++)
                    values[i] = BrainFloat.ToSingle(brains[i]);
                break;
            case ArrayType.Int64:
                WidenEach(MemoryMarshal.Cast<byte, long>(data), values);
                break;
            case ArrayType.Int32:
                WidenEach(MemoryMarshal.Cast<byte, int>(data), values);
                break;
            case ArrayType.Int16:
                WidenEach(MemoryMarshal.Cast<byte, short>(data), values);
                break;
            case ArrayType.Int8:
                WidenEach(MemoryMarshal.Cast<byte, sbyte>(data), values);
                break;
            default:
                WidenEach(data, values);
                break;
        }
    }

    /// <summary>Narrows values: to nearest, half to even; a boolean is whether its value is above one half.</summary>
    /// <param name="type">The type to come to.</param>
    /// <param name="values">The values, within the type's range.</param>
    /// <param name="data">As many elements, little-endian.</param>
    /// <returns>False where a float is not finite, or beyond what the type can hold.</returns>
    public static bool TryNarrow(ArrayType type, ReadOnlySpan<double> values, Span<byte> data)
    {
        switch (type)
        {
            case ArrayType.Float32 or ArrayType.Float64 or ArrayType.Float16 or ArrayType.BFloat16:
                FloatSums.WriteMeans(type, values, 1, data);
                return AreFinite(type, data);
            case ArrayType.Int64:
                NarrowEach(values, MemoryMarshal.Cast<byte, long>(data));
                break;
            case ArrayType.Int32:
                NarrowEach(values, MemoryMarshal.Cast<byte, int>(data));
                break;
            case ArrayType.Int16:
                NarrowEach(values, MemoryMarshal.Cast<byte, short>(data));
                break;
            case ArrayType.Int8:
                NarrowEach(values, MemoryMarshal.Cast<byte, sbyte>(data));
                break;
            case ArrayType.Bool:
                for (var i = 0; i < values.Length; i++)
                    data[i] = values[i] > 0.5 ? (byte)1 : (byte)0;
                break;
            default:
                NarrowEach(values, data);
                break;
        }
        return true;
    }

    private static bool AreFinite(ArrayType type, ReadOnlySpan<byte> data) => type switch
    {
        ArrayType.Float32 => TensorPrimitives.IsFiniteAll(MemoryMarshal.Cast<byte, float>(data)),
        ArrayType.Float64 => TensorPrimitives.IsFiniteAll(MemoryMarshal.Cast<byte, double>(data)),
        ArrayType.Float16 => TensorPrimitives.IsFiniteAll(MemoryMarshal.Cast<byte, Half>(data)),
        _ => AreFinite(MemoryMarshal.Cast<byte, ushort>(data)),
    };

    private static bool AreFinite(ReadOnlySpan<ushort> brains)
    {
        foreach (var brain in brains)
        {
            if (!float.IsFinite(BrainFloat.ToSingle(brain)))
                return false;
        }
        return true;
    }

    private static void WidenEach<T>(ReadOnlySpan<T> data, Span<double> values)
        where T : INumber<T>
    {
        for (var i = 0; i < data.Length; i++)
            values[i] = double.CreateChecked(data[i]);
    }

    private static void NarrowEach<T>(ReadOnlySpan<double> values, Span<T> data)
        where T : IBinaryInteger<T>
    {
        for (var i = 0; i < values.Length; i++)
            data[i] = T.CreateSaturating(Math.Round(values[i], MidpointRounding.ToEven));
    }
}
