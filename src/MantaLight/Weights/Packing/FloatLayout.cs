using System.Runtime.InteropServices;

namespace MantaLight.Weights.Packing;

/// <summary>How a float32 array lies in its packed bytes: with <c>top_k</c> the chosen elements' indices, each as the step from the one before; then the values.</summary>
internal readonly struct FloatLayout
{
    private readonly PackingPlan plan;

    /// <param name="plan">The plan.</param>
    /// <param name="elements">Elements of the array.</param>
    public FloatLayout(PackingPlan plan, long elements)
    {
        this.plan = plan;
        Count = plan.TopK is { } part ? TopK.CountOf(part, elements) : elements;
    }

    public bool HasIndices => plan.TopK is not null;

    /// <summary>How many values travel.</summary>
    public long Count { get; }

    /// <summary>Bytes before the values.</summary>
    public int Head => HasIndices ? checked((int)(Count * sizeof(uint))) : 0;

    /// <summary>All bytes.</summary>
    public long Length => Head + ValueCoder.LengthOf(plan, Count);

    /// <summary>Bytes of a value.</summary>
    public int Width => plan.Values switch { ValueCoding.Float32 => sizeof(float), ValueCoding.Int8 => 1, _ => sizeof(ushort) };

    public void WriteIndices(ReadOnlySpan<uint> indices, Span<byte> bytes)
    {
        var steps = MemoryMarshal.Cast<byte, uint>(bytes[..Head]);
        uint before = 0;
        for (var i = 0; i < indices.Length; i++)
        {
            steps[i] = indices[i] - before;
            before = indices[i];
        }
    }

    /// <summary>Adds values to where they belong.</summary>
    /// <exception cref="MalformedDataException">An index is none of the array's, or one comes twice.</exception>
    public void AddAt(ReadOnlySpan<byte> bytes, ReadOnlySpan<float> values, Span<float> target)
    {
        var steps = MemoryMarshal.Cast<byte, uint>(bytes[..Head]);
        ulong at = 0;
        for (var i = 0; i < values.Length; i++)
        {
            at += steps[i];
            if (at >= (ulong)target.Length || (i > 0 && steps[i] == 0))
                throw new MalformedDataException("A packed array has an index that is none of its elements, or one twice.");
            target[(int)at] += values[i];
        }
    }
}
