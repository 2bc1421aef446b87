using System.Globalization;
using System.Numerics;
using System.Numerics.Tensors;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>Floats of any width, accumulated in float64.</summary>
internal sealed class FloatMeanArray(NamedArray layout) : MeanArray(layout)
{
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

    public override void Add(NamedArray array, long samples) => FloatSums.Add(Type, array.Data.Span, samples, sums);

    protected override void WriteMean(Span<byte> data, long samples) => FloatSums.WriteMeans(Type, sums, samples, data);

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
            if (Math.Abs(values[i]) > FloatSums.Largest)
                throw Refuse(values[i].ToString(CultureInfo.InvariantCulture), i);
        }
    }

    private void CheckBFloat16(ReadOnlySpan<ushort> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(BrainFloat.ToSingle(values[i])))
                throw Refuse(BrainFloat.ToSingle(values[i]).ToString(CultureInfo.InvariantCulture), i);
        }
    }
}
