using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>Weighted sums of floats in float64, and their means.</summary>
internal static class FloatSums
{
    /// <summary>Times 2^53 samples it is still finite, so no contribution can drive a sum to infinity.</summary>
    public const double Largest = 1e290;

    /// <summary>Adds each value times a weight.</summary>
    /// <param name="type">The type of the values.</param>
    /// <param name="data">The values, little-endian.</param>
    /// <param name="samples">The weight.</param>
    /// <param name="sums">As many sums.</param>
    /// <returns>False where a value is not finite, or beyond <see cref="Largest"/>: the sums are spoilt then.</returns>
    public static bool TryAdd(ArrayType type, ReadOnlySpan<byte> data, long samples, Span<double> sums)
    {
        double weight = samples;
        var isFine = true;
        switch (type)
        {
            case ArrayType.Float32:
                return SingleSums.TryAdd(MemoryMarshal.Cast<byte, float>(data), weight, sums);
            case ArrayType.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(data);
                for (var i = 0; i < halves.Length; i++)
                {
                    isFine &= Half.IsFinite(halves[i]);
                    sums[i] += (double)halves[i] * weight;
                }
                return isFine;
            case ArrayType.BFloat16:
                var brains = MemoryMarshal.Cast<byte, ushort>(data);
                for (var i = 0; i < brains.Length; i++)
                {
                    var value = BrainFloat.ToSingle(brains[i]);
                    isFine &= float.IsFinite(value);
                    sums[i] += value * weight;
                }
                return isFine;
            default:
                var doubles = MemoryMarshal.Cast<byte, double>(data);
                for (var i = 0; i < doubles.Length; i++)
                {
                    // Not so of NaN.
                    isFine &= Math.Abs(doubles[i]) <= Largest;
                    sums[i] += doubles[i] * weight;
                }
                return isFine;
        }
    }

    /// <summary>Writes the means, rounded to nearest, half to even.</summary>
    /// <param name="type">The type of the means.</param>
    /// <param name="sums">The sums.</param>
    /// <param name="samples">The weights together.</param>
    /// <param name="data">As many means, little-endian; they may begin where the sums begin.</param>
    public static void WriteMeans(ArrayType type, ReadOnlySpan<double> sums, long samples, Span<byte> data)
    {
        double total = samples;
        switch (type)
        {
            case ArrayType.Float32:
                SingleSums.WriteMeans(sums, MemoryMarshal.Cast<byte, float>(data), total);
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
}
