using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace MantaLight.Weights.Packing;

/// <summary>Blocks of float32 as signed bytes, -127 to 127, each block with a scale of its own: its largest magnitude over 127. All scales come first, so that they are aligned.</summary>
internal static class ScaledBytes
{
    private const float Steps = 127;

    /// <summary>The bytes that values take.</summary>
    public static long LengthOf(long count, int block) => count + (BlocksOf(count, block) * sizeof(float));

    /// <summary>Writes finite values.</summary>
    public static void Encode(ReadOnlySpan<float> values, int block, Span<byte> bytes)
    {
        var scales = Scales(values.Length, block, bytes);
        var steps = MemoryMarshal.Cast<byte, sbyte>(bytes[(scales.Length * sizeof(float))..]);
        for (var b = 0; b < scales.Length; b++)
        {
            var of = values.Slice(b * block, Math.Min(block, values.Length - (b * block)));
            var target = steps.Slice(b * block, of.Length);
            scales[b] = MathF.Abs(TensorPrimitives.MaxMagnitude(of)) / Steps;
            if (scales[b] == 0)
                target.Clear();
            else
                Quantize(of, scales[b], target);
        }
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    /// <exception cref="MalformedDataException">A scale is not a number that a scale can be.</exception>
    public static void Decode(ReadOnlySpan<byte> bytes, int block, Span<float> values)
    {
        var count = (int)BlocksOf(values.Length, block);
        var scales = MemoryMarshal.Cast<byte, float>(bytes[..(count * sizeof(float))]);
        var steps = MemoryMarshal.Cast<byte, sbyte>(bytes[(count * sizeof(float))..]);
        for (var b = 0; b < scales.Length; b++)
        {
            if (!(scales[b] >= 0) || !float.IsFinite(scales[b]))
                throw new MalformedDataException($"A block's scale is {scales[b]} where a number of at least 0 is expected.");
            var target = values.Slice(b * block, Math.Min(block, values.Length - (b * block)));
            Multiply(steps.Slice(b * block, target.Length), scales[b], target);
        }
    }

    private static long BlocksOf(long count, int block) => (count + block - 1) / block;

    private static Span<float> Scales(int count, int block, Span<byte> bytes) => MemoryMarshal.Cast<byte, float>(bytes[..((int)BlocksOf(count, block) * sizeof(float))]);

    private static void Quantize(ReadOnlySpan<float> values, float scale, Span<sbyte> steps)
    {
        var width = Vector<float>.Count;
        var at = 0;
        for (; at <= values.Length - Vector<sbyte>.Count; at += Vector<sbyte>.Count)
        {
            var low = Vector.Narrow(Nearest(values[at..], scale), Nearest(values[(at + width)..], scale));
            var high = Vector.Narrow(Nearest(values[(at + (2 * width))..], scale), Nearest(values[(at + (3 * width))..], scale));
            Vector.Narrow(low, high).CopyTo(steps[at..]);
        }
        for (; at < values.Length; at++)
            steps[at] = (sbyte)Math.Clamp(MathF.Round(values[at] / scale), -Steps, Steps);
    }

    // Divided, not multiplied by the inverse: of a very small scale that is infinite.
    private static Vector<int> Nearest(ReadOnlySpan<float> values, float scale) =>
        Vector.ConvertToInt32(Vector.Min(Vector.Max(Vector.Round(new Vector<float>(values) / new Vector<float>(scale)), new Vector<float>(-Steps)), new Vector<float>(Steps)));

    private static void Multiply(ReadOnlySpan<sbyte> steps, float scale, Span<float> values)
    {
        var width = Vector<float>.Count;
        var at = 0;
        for (; at <= values.Length - Vector<sbyte>.Count; at += Vector<sbyte>.Count)
        {
            Vector.Widen(new Vector<sbyte>(steps[at..]), out var low, out var high);
            Widen(low, scale, values.Slice(at, 2 * width));
            Widen(high, scale, values.Slice(at + (2 * width), 2 * width));
        }
        for (; at < values.Length; at++)
            values[at] = steps[at] * scale;
    }

    private static void Widen(Vector<short> steps, float scale, Span<float> values)
    {
        Vector.Widen(steps, out var low, out var high);
        (Vector.ConvertToSingle(low) * scale).CopyTo(values);
        (Vector.ConvertToSingle(high) * scale).CopyTo(values[Vector<float>.Count..]);
    }
}
