using System.Globalization;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>Floats of any width, accumulated in float64.</summary>
internal sealed class FloatMeanArray(NamedArray layout) : MeanArray(layout)
{
    // Times 2^53 samples it is still finite, so no contribution can drive the sum to infinity.
    private const double Largest = 1e290;

    private readonly double[] sums = new double[checked((int)layout.Count)];

    public override void Check(NamedArray array)
    {
        switch (Type)
        {
            case ArrayType.Float32:
                CheckFinite(array.Span<float>());
                break;
            case ArrayType.Float16:
                CheckFinite(array.Span<Half>());
                break;
            case ArrayType.BFloat16:
                CheckBFloat16(array.Span<ushort>());
                break;
            default:
                CheckFinite(array.Span<double>());
                CheckRange(array.Span<double>());
                break;
        }
    }

    public override void Add(NamedArray array, long samples)
    {
        double weight = samples;
        switch (Type)
        {
            case ArrayType.Float32:
                AddSingles(array.Span<float>(), weight);
                break;
            case ArrayType.Float16:
                var halves = array.Span<Half>();
                for (var i = 0; i < halves.Length; i++)
                    sums[i] += (double)halves[i] * weight;
                break;
            case ArrayType.BFloat16:
                var brains = array.Span<ushort>();
                for (var i = 0; i < brains.Length; i++)
                    sums[i] += ToSingle(brains[i]) * weight;
                break;
            default:
                var doubles = array.Span<double>();
                for (var i = 0; i < doubles.Length; i++)
                    sums[i] += doubles[i] * weight;
                break;
        }
    }

    protected override void WriteMean(Span<byte> data, long samples)
    {
        double total = samples;
        switch (Type)
        {
            case ArrayType.Float32:
                WriteSingles(MemoryMarshal.Cast<byte, float>(data), total);
                break;
            case ArrayType.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(data);
                for (var i = 0; i < halves.Length; i++)
                    halves[i] = (Half)(sums[i] / total);
                break;
            case ArrayType.BFloat16:
                var brains = MemoryMarshal.Cast<byte, ushort>(data);
                for (var i = 0; i < brains.Length; i++)
                    brains[i] = ToBFloat16(sums[i] / total);
                break;
            default:
                var doubles = MemoryMarshal.Cast<byte, double>(data);
                for (var i = 0; i < doubles.Length; i++)
                    doubles[i] = sums[i] / total;
                break;
        }
    }

    // Widening is exact, and multiplication and addition are two instructions whatever the vector's width: the JIT fuses
    // them only where code asks for it.
    private void AddSingles(ReadOnlySpan<float> values, double weight)
    {
        var weights = new Vector<double>(weight);
        var target = sums.AsSpan(0, values.Length);
        ref var from = ref MemoryMarshal.GetReference(values);
        ref var to = ref MemoryMarshal.GetReference(target);
        var i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(Vector.LoadUnsafe(ref from, (nuint)i), out var low, out var high);
            var highAt = (nuint)(i + Vector<double>.Count);
            (Vector.LoadUnsafe(ref to, (nuint)i) + (low * weights)).StoreUnsafe(ref to, (nuint)i);
            (Vector.LoadUnsafe(ref to, highAt) + (high * weights)).StoreUnsafe(ref to, highAt);
        }
        for (; i < values.Length; i++)
            target[i] += values[i] * weight;
    }

    private void WriteSingles(Span<float> means, double total)
    {
        var totals = new Vector<double>(total);
        ReadOnlySpan<double> source = sums;
        var i = 0;
        for (; i <= means.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var low = new Vector<double>(source[i..]) / totals;
            var high = new Vector<double>(source[(i + Vector<double>.Count)..]) / totals;
            Vector.Narrow(low, high).CopyTo(means[i..]);
        }
        for (; i < means.Length; i++)
            means[i] = (float)(source[i] / total);
    }

    private void CheckFinite<T>(ReadOnlySpan<T> values)
        where T : IFloatingPointIeee754<T>
    {
        // All of no elements are not finite to TensorPrimitives.
        if (values.IsEmpty || TensorPrimitives.IsFiniteAll(values))
            return;
        var index = 0;
        while (T.IsFinite(values[index]))
            index++;
        throw Refuse(values[index].ToString(null, CultureInfo.InvariantCulture), index);
    }

    private void CheckRange(ReadOnlySpan<double> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (Math.Abs(values[i]) > Largest)
                throw Refuse(values[i].ToString(CultureInfo.InvariantCulture), i);
        }
    }

    private void CheckBFloat16(ReadOnlySpan<ushort> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(ToSingle(values[i])))
                throw Refuse(ToSingle(values[i]).ToString(CultureInfo.InvariantCulture), i);
        }
    }

    private static float ToSingle(ushort brain) => BitConverter.UInt32BitsToSingle((uint)brain << 16);

    /// <summary>Rounds to nearest, half to even, in one step.</summary>
    internal static ushort ToBFloat16(double value)
    {
        // Rounding to float32 first and then to bfloat16 could round twice; an inexact float32 is rounded to odd instead,
        // which keeps the second rounding right.
        var single = (float)value;
        var bits = BitConverter.SingleToUInt32Bits(single);
        if (single != value)
        {
            if (Math.Abs((double)single) > Math.Abs(value))
                bits--;
            bits |= 1;
        }
        var roundUp = 0x7FFFu + ((bits >> 16) & 1);
        return (ushort)((bits + roundUp) >> 16);
    }
}
