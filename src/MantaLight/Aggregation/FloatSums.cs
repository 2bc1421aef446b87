using System.Numerics;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>Weighted sums of floats in float64, and their means: the arithmetic that decides every bit of a mean.</summary>
internal static class FloatSums
{
    /// <summary>Times 2^53 samples it is still finite, so no contribution can drive a sum to infinity.</summary>
    public const double Largest = 1e290;

    /// <summary>Adds each value times a weight.</summary>
    /// <param name="type">The type of the values.</param>
    /// <param name="data">The values, little-endian.</param>
    /// <param name="samples">The weight.</param>
    /// <param name="sums">As many sums.</param>
    public static void Add(ArrayType type, ReadOnlySpan<byte> data, long samples, Span<double> sums)
    {
        double weight = samples;
        switch (type)
        {
            case ArrayType.Float32:
                AddSingles(MemoryMarshal.Cast<byte, float>(data), weight, sums);
                break;
            case ArrayType.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(data);
                for (var i = 0; i < halves.Length; i++)
                    sums[i] += (double)halves[i] * weight;
                break;
            case ArrayType.BFloat16:
                var brains = MemoryMarshal.Cast<byte, ushort>(data);
                for (var i = 0; i < brains.Length; i++)
                    sums[i] += BrainFloat.ToSingle(brains[i]) * weight;
                break;
            default:
                var doubles = MemoryMarshal.Cast<byte, double>(data);
                for (var i = 0; i < doubles.Length; i++)
                    sums[i] += doubles[i] * weight;
                break;
        }
    }

    /// <summary>Whether no float64 is beyond what a mean can hold; NaN is.</summary>
    public static bool IsInRange(ReadOnlySpan<byte> data)
    {
        foreach (var value in MemoryMarshal.Cast<byte, double>(data))
        {
            if (!(Math.Abs(value) <= Largest))
                return false;
        }
        return true;
    }

    /// <summary>Writes the means, rounded to nearest, half to even.</summary>
    public static void WriteMeans(ArrayType type, ReadOnlySpan<double> sums, long samples, Span<byte> data)
    {
        double total = samples;
        switch (type)
        {
            case ArrayType.Float32:
                WriteSingles(sums, MemoryMarshal.Cast<byte, float>(data), total);
                break;
            case ArrayType.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(data);
                for (var i = 0; i < halves.Length; i++)
                    halves[i] = (Half)(sums[i] / total);
                break;
            case ArrayType.BFloat16:
                var brains = MemoryMarshal.Cast<byte, ushort>(data);
                for (var i = 0; i < brains.Length; i++)
                    brains[i] = BrainFloat.Round(sums[i] / total);
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
    private static void AddSingles(ReadOnlySpan<float> values, double weight, Span<double> sums)
    {
        var weights = new Vector<double>(weight);
        var target = sums[..values.Length];
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

    private static void WriteSingles(ReadOnlySpan<double> sums, Span<float> means, double total)
    {
        var totals = new Vector<double>(total);
        var i = 0;
        for (; i <= means.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var low = new Vector<double>(sums[i..]) / totals;
            var high = new Vector<double>(sums[(i + Vector<double>.Count)..]) / totals;
            Vector.Narrow(low, high).CopyTo(means[i..]);
        }
        for (; i < means.Length; i++)
            means[i] = (float)(sums[i] / total);
    }
}
