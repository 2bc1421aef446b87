using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>The weighted sums of one array, which become its mean where they lie.</summary>
internal sealed class MeanArray(ArrayHeader header) : IDisposable
{
    private readonly AlignedMemory memory = new(header.Count * (header.Type.IsFloat() ? sizeof(double) : IntegerSums.Width));

    /// <summary>Adds some elements times a weight; false where one has no mean: the sums are spoilt then.</summary>
    public bool TryAdd(ReadOnlySpan<byte> data, int first, long samples)
    {
        var count = data.Length / header.Type.SizeInBytes();
        return header.Type.IsFloat()
            ? FloatSums.TryAdd(header.Type, data, samples, memory.As<double>().Slice(first, count))
            : IntegerSums.TryAdd(header.Type, data, samples, memory.As<Int128>().Slice(first, count));
    }

    /// <summary>Writes the zeros that are there already: a page that is first read and then written costs the system two visits.</summary>
    public void Touch(int first, int count)
    {
        if (header.Type.IsFloat())
            memory.As<double>().Slice(first, count).Clear();
        else
            memory.As<Int128>().Slice(first, count).Clear();
    }

    /// <summary>The mean, in the memory of the sums: each element is narrower than its sum, so that none is written over before it is read.</summary>
    public NamedArray Narrow(long samples)
    {
        var mean = memory.GetSpan()[..(int)header.Length];
        if (header.Type.IsFloat())
            FloatSums.WriteMeans(header.Type, memory.As<double>(), samples, mean);
        else
            IntegerSums.WriteMeans(header.Type, memory.As<Int128>(), samples, mean);
        return new NamedArray(header.Name, header.Type, header.Shape.AsSpan(), memory.First(mean.Length));
    }

    public void Dispose() => ((IDisposable)memory).Dispose();
}
