using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>Integers and booleans (counters, masks), accumulated exactly.</summary>
internal sealed class IntegerMeanArray(NamedArray layout) : MeanArray(layout)
{
    private readonly Int128[] sums = new Int128[checked((int)layout.Count)];

    public override void Check(NamedArray array)
    {
        if (Type != ArrayType.Bool)
            return;
        var index = array.Span<byte>().IndexOfAnyExcept((byte)0, (byte)1);
        if (index >= 0)
            throw new IncompatibleWeightsException($"Array '{this}' holds {array.Span<byte>()[index]} at index {index}; a boolean is 0 or 1.");
    }

    public override void Add(NamedArray array, long samples) => IntegerSums.Add(Type, array.Data.Span, samples, sums);

    protected override void WriteMean(Span<byte> data, long samples) => IntegerSums.WriteMeans(Type, sums, samples, data);
}
