using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>The accumulator of one array of a <see cref="WeightedMean"/>.</summary>
internal abstract class MeanArray
{
    private readonly string name;
    private readonly long[] shape;

    protected MeanArray(NamedArray layout)
    {
        name = layout.Name;
        Type = layout.Type;
        shape = layout.Shape.ToArray();
        Length = checked((int)layout.Count);
    }

    protected ArrayType Type { get; }

    protected int Length { get; }

    public static MeanArray For(NamedArray layout) => layout.Type.IsFloat() ? new FloatMeanArray(layout) : new IntegerMeanArray(layout);

    public bool Fits(NamedArray other) => name == other.Name && Type == other.Type && other.Shape.SequenceEqual(shape);

    /// <exception cref="IncompatibleWeightsException">An element cannot be averaged.</exception>
    public abstract void Check(NamedArray array);

    public abstract void Add(NamedArray array, long samples);

    public NamedArray ToArray(long samples)
    {
        var data = new byte[Length * Type.SizeInBytes()];
        WriteMean(data, samples);
        return new NamedArray(name, Type, shape, data);
    }

    public override string ToString() => $"{name}: {Type.WireName()} [{string.Join(", ", shape)}]";

    protected abstract void WriteMean(Span<byte> data, long samples);

    protected IncompatibleWeightsException Refuse(string found, int index) =>
        new($"Array '{this}' holds {found} at index {index}; a mean needs finite values.");
}
