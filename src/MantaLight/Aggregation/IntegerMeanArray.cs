using System.Numerics;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>Integers and booleans (counters, masks), accumulated exactly in 128 bits; a boolean's mean is the weighted majority, a tie is false.</summary>
internal sealed class IntegerMeanArray(NamedArray layout) : MeanArray(layout)
{
    // |element| <= 2^63 and all samples together <= 2^53: no sum leaves 128 bits.
    private readonly Int128[] sums = new Int128[checked((int)layout.Count)];

    public override void Check(NamedArray array)
    {
        if (Type != ArrayType.Bool)
            return;
        var index = array.Span<byte>().IndexOfAnyExcept((byte)0, (byte)1);
        if (index >= 0)
            throw new IncompatibleWeightsException($"Array '{this}' holds {array.Span<byte>()[index]} at index {index}; a boolean is 0 or 1.");
    }

    public override void Add(NamedArray array, long samples)
    {
        switch (Type)
        {
            case ArrayType.Int64:
                AddAll(array.Span<long>(), samples);
                break;
            case ArrayType.Int32:
                AddAll(array.Span<int>(), samples);
                break;
            case ArrayType.Int16:
                AddAll(array.Span<short>(), samples);
                break;
            case ArrayType.Int8:
                AddAll(array.Span<sbyte>(), samples);
                break;
            default:
                AddAll(array.Span<byte>(), samples);
                break;
        }
    }

    protected override void WriteMean(Span<byte> data, long samples)
    {
        switch (Type)
        {
            case ArrayType.Int64:
                WriteAll(MemoryMarshal.Cast<byte, long>(data), samples);
                break;
            case ArrayType.Int32:
                WriteAll(MemoryMarshal.Cast<byte, int>(data), samples);
                break;
            case ArrayType.Int16:
                WriteAll(MemoryMarshal.Cast<byte, short>(data), samples);
                break;
            case ArrayType.Int8:
                WriteAll(MemoryMarshal.Cast<byte, sbyte>(data), samples);
                break;
            default:
                WriteAll(data, samples);
                break;
        }
    }

    private void AddAll<T>(ReadOnlySpan<T> values, long samples)
        where T : IBinaryInteger<T>
    {
        for (var i = 0; i < values.Length; i++)
            sums[i] += Int128.CreateChecked(values[i]) * samples;
    }

    private void WriteAll<T>(Span<T> means, long samples)
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
