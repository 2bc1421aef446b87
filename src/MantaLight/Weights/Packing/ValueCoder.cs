using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace MantaLight.Weights.Packing;

/// <summary>Values of float32 as bytes and back, by a plan. The same values always give the same bytes.</summary>
internal static class ValueCoder
{
    private const float LargestHalf = 65504;
    private const float Steps = 127;

    /// <summary>The bytes that values take.</summary>
    public static long LengthOf(PackingPlan plan, long count) => plan.Values switch
    {
        ValueCoding.Float32 => count * sizeof(float),
        ValueCoding.Int8 => count + (Blocks(plan, count) * sizeof(float)),
        _ => count * 2,
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
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < values.Length; i++)
                    halves[i] = (Half)Math.Clamp(values[i], -LargestHalf, LargestHalf);
                break;
            case ValueCoding.BFloat16:
                var brains = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < values.Length; i++)
                    brains[i] = Largest(BrainFloat.Round(values[i]));
                break;
            default:
                EncodeBlocks(plan, values, bytes);
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
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), values);
                break;
            case ValueCoding.BFloat16:
                var brains = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < values.Length; i++)
                    values[i] = BrainFloat.ToSingle(brains[i]);
                break;
            default:
                DecodeBlocks(plan, bytes, values);
                break;
        }
    }

    // What rounds up to infinity stays the largest number.
    private static ushort Largest(ushort brain) => (brain & 0x7FFF) == 0x7F80 ? (ushort)(brain - 1) : brain;

    private static long Blocks(PackingPlan plan, long count) => (count + plan.Block - 1) / plan.Block;

    // Scales first, so that they are aligned.
    private static void EncodeBlocks(PackingPlan plan, ReadOnlySpan<float> values, Span<byte> bytes)
    {
        var blocks = (int)Blocks(plan, values.Length);
        var scales = MemoryMarshal.Cast<byte, float>(bytes[..(blocks * sizeof(float))]);
        var steps = MemoryMarshal.Cast<byte, sbyte>(bytes[(blocks * sizeof(float))..]);
        for (var b = 0; b < blocks; b++)
        {
            var start = b * plan.Block;
            var block = values.Slice(start, Math.Min(plan.Block, values.Length - start));
            var scale = TensorPrimitives.MaxMagnitude(block) is var largest ? MathF.Abs(largest) / Steps : 0;
            scales[b] = scale;
            for (var i = 0; i < block.Length; i++)
                steps[start + i] = scale == 0 ? (sbyte)0 : (sbyte)Math.Clamp(MathF.Round(block[i] / scale), -Steps, Steps);
        }
    }

    private static void DecodeBlocks(PackingPlan plan, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        var blocks = (int)Blocks(plan, values.Length);
        var scales = MemoryMarshal.Cast<byte, float>(bytes[..(blocks * sizeof(float))]);
        var steps = MemoryMarshal.Cast<byte, sbyte>(bytes[(blocks * sizeof(float))..]);
        for (var b = 0; b < blocks; b++)
        {
            if (!(scales[b] >= 0) || !float.IsFinite(scales[b]))
                throw new MalformedDataException($"A block's scale is {scales[b]} where a number of at least 0 is expected.");
            var start = b * plan.Block;
            for (var i = start; i < Math.Min(start + plan.Block, values.Length); i++)
                values[i] = steps[i] * scales[b];
        }
    }
}
