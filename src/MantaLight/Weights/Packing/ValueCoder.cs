using System.Runtime.InteropServices;

namespace MantaLight.Weights.Packing;

/// <summary>Values of float32 as bytes and back, by a plan. The same values always give the same bytes, whatever the processor.</summary>
internal static class ValueCoder
{
    /// <summary>The bytes that values take.</summary>
    public static long LengthOf(PackingPlan plan, long count) => plan.Values switch
    {
        ValueCoding.Float32 => count * sizeof(float),
        ValueCoding.Int8 => ScaledBytes.LengthOf(count, plan.Block),
        _ => count * sizeof(ushort),
    };

    /// <summary>Writes finite values.</summary>
    public static void Encode(PackingPlan plan, ReadOnlySpan<float> values, Span<byte> bytes)
    {
        switch (plan.Values)
        {
            case ValueCoding.Float32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case ValueCoding.Float16:
                SmallFloats.ToHalf(values, MemoryMarshal.Cast<byte, Half>(bytes));
                break;
            case ValueCoding.BFloat16:
                SmallFloats.ToBrain(values, MemoryMarshal.Cast<byte, ushort>(bytes));
                break;
            default:
                ScaledBytes.Encode(values, plan.Block, bytes);
                break;
        }
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    /// <exception cref="MalformedDataException">A scale is not a number that a scale can be.</exception>
    public static void Decode(PackingPlan plan, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        switch (plan.Values)
        {
            case ValueCoding.Float32:
                bytes.CopyTo(MemoryMarshal.AsBytes(values));
                break;
            case ValueCoding.Float16:
                SmallFloats.OfHalf(MemoryMarshal.Cast<byte, Half>(bytes), values);
                break;
            case ValueCoding.BFloat16:
                SmallFloats.OfBrain(MemoryMarshal.Cast<byte, ushort>(bytes), values);
                break;
            default:
                ScaledBytes.Decode(bytes, plan.Block, values);
                break;
        }
    }
}
