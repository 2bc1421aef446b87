using System.Numerics;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>Weighted sums of integers and booleans, exact in 128 bits, and their means; a boolean's mean is the weighted majority, a tie is false.</summary>
internal static class IntegerSums
{
    /// <summary>Bytes of a sum.</summary>
    public const int Width = 16;

    /// <summary>Adds each value times a weight: |value| is at most 2^63 and all weights together at most 2^53, so that no sum leaves 128 bits.</summary>
    /// <returns>False where a boolean is neither 0 nor 1.</returns>
    public static bool TryAdd(ArrayType type, ReadOnlySpan<byte> data, long samples, Span<Int128> sums)
    {
        switch (type)
        {
            case ArrayType.Bool when data.ContainsAnyExceptInRange((byte)0, (byte)1):
                return false;
            case ArrayType.Int64:
                AddAll(MemoryMarshal.Cast<byte, long>(data), samples, sums);
                break;
            case ArrayType.Int32:
                AddAll(MemoryMarshal.Cast<byte, int>(data), samples, sums);
                break;
            case ArrayType.Int16:
                AddAll(MemoryMarshal.Cast<byte, short>(data), samples, sums);
                break;
            case ArrayType.Int8:
                AddAll(MemoryMarshal.Cast<byte, sbyte>(data), samples, sums);
                break;
            default:
                AddAll(data, samples, sums);
                break;
        }
        return true;
    }

    /// <summary>Writes the means, rounded to nearest, half to even.</summary>
    public static void WriteMeans(ArrayType type, ReadOnlySpan<Int128> sums, long samples, Span<byte> data)
    {
        switch (type)
        {
            case ArrayType.Int64:
                WriteAll(sums, MemoryMarshal.Cast<byte, long>(data), samples);
                break;
            case ArrayType.Int32:
                WriteAll(sums, MemoryMarshal.Cast<byte, int>(data), samples);
                break;
            case ArrayType.Int16:
                WriteAll(sums, MemoryMarshal.Cast<byte, short>(data), samples);
                break;
            case ArrayType.Int8:
                WriteAll(sums, MemoryMarshal.Cast<byte, sbyte>(data), samples);
                break;
            default:
                WriteAll(sums, data, samples);
                break;
        }
    }

    private static void AddAll<T>(ReadOnlySpan<T> values, long samples, Span<Int128> sums)
        where T : IBinaryInteger<T>
    {
        for (var i = 0; i < values.Length; i++)
            sums[i] += Int128.CreateChecked(values[i]) * samples;
    }

    private static void WriteAll<T>(ReadOnlySpan<Int128> sums, Span<T> means, long samples)
        where T : IBinaryInteger<T>
    {
        for (var i = 0; i < means.Length; i++)
            means[i] = T.CreateChecked(RoundedQuotient(sums[i], samples));
    }

    /// <summary>Rounds to nearest, half to even, without a detour over floats.</summary>
    internal static Int128 RoundedQuotient(Int128 sum, long samples)
    {
        var (quotient, remainder) = Int128.DivRem(sum, samples);
        var twice = Int128.Abs(remainder) * 2;
        var away = twice > samples || (twice == samples && Int128.IsOddInteger(quotient));
        return away ? quotient + Int128.Sign(sum) : quotient;
    }
}
