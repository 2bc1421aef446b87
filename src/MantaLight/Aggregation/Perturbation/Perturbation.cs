using System.Numerics.Tensors;
using MantaLight.Aggregation.Rules;
using MantaLight.Weights;

namespace MantaLight.Aggregation.Perturbation;

/// <summary>Fills with noise of one scale, and says which.</summary>
/// <param name="values">As many as there are elements.</param>
/// <param name="array">The array's place in the model.</param>
/// <param name="first">The first element.</param>
internal delegate double NoiseFill(Span<double> values, int array, long first);

/// <summary>A contribution whose difference from the model before is shortened and gets noise, in float64, some elements at a time.</summary>
internal sealed class Perturbation
{
    private const int Some = 4096;

    private readonly NamedArrays before;
    private readonly NamedArrays after;
    private readonly double[] x = new double[Some];
    private readonly double[] w = new double[Some];

    /// <exception cref="TaskContractException">They have not the same layout.</exception>
    public Perturbation(NamedArrays before, NamedArrays after)
    {
        (this.before, this.after) = (before, after);
        var isSame = before.Count == after.Count && before.Zip(after).All(p => p.First.SameLayoutAs(p.Second));
        if (!isSame)
            throw new TaskContractException("'local_privacy' takes the difference from the global model, and the contribution has other arrays.");
    }

    /// <summary>w + s (x - w) + noise, with s so that the difference is no longer than it may be.</summary>
    /// <exception cref="TaskContractException">An element is not finite.</exception>
    public NamedArrays Apply(double most, bool isSumOfSizes, NoiseFill fill)
    {
        var length = Length(isSumOfSizes);
        if (!double.IsFinite(length))
            throw new TaskContractException("The contribution has an element that is not finite.");
        var scale = ClippedSource.ScaleOf(length, most);
        var noise = new double[Some];
        var made = new List<NamedArray>();
        for (var array = 0; array < after.Count; array++)
        {
            var (old, type) = (before[array], before[array].Type);
            var bytes = old.Data.ToArray();
            for (var first = 0; type.IsFloat() && first < old.Count; first += Some)
            {
                var differences = Differences(array, first);
                TensorPrimitives.Multiply(differences, scale, differences);
                var some = noise.AsSpan(0, differences.Length);
                TensorPrimitives.Multiply(some, fill(some, array, first), some);
                TensorPrimitives.Add<double>(differences, some, differences);
                TensorPrimitives.Add<double>(differences, w.AsSpan(0, differences.Length), differences);
                if (!Elements.TryNarrow(type, differences, bytes.AsSpan(first * type.SizeInBytes(), differences.Length * type.SizeInBytes())))
                    throw new TaskContractException("The contribution has an element that is beyond what its type can hold with noise on it.");
            }
            made.Add(new NamedArray(old.Name, type, old.Shape, bytes));
        }
        return new NamedArrays(made);
    }

    // The Euclidean norm of the whole vector, or the sum of its elements' sizes.
    private double Length(bool isSumOfSizes)
    {
        var sum = 0.0;
        for (var array = 0; array < after.Count; array++)
        {
            for (var first = 0; after[array].Type.IsFloat() && first < after[array].Count; first += Some)
            {
                var differences = Differences(array, first);
                sum += isSumOfSizes ? TensorPrimitives.SumOfMagnitudes<double>(differences) : TensorPrimitives.SumOfSquares<double>(differences);
            }
        }
        return isSumOfSizes ? sum : Math.Sqrt(sum);
    }

    private Span<double> Differences(int array, int first)
    {
        var (old, type) = (before[array], before[array].Type);
        var count = (int)Math.Min(Some, old.Count - first);
        var (from, length) = (first * type.SizeInBytes(), count * type.SizeInBytes());
        Elements.Widen(type, old.Data.Span.Slice(from, length), w.AsSpan(0, count));
        Elements.Widen(type, after[array].Data.Span.Slice(from, length), x.AsSpan(0, count));
        TensorPrimitives.Subtract<double>(x.AsSpan(0, count), w.AsSpan(0, count), x.AsSpan(0, count));
        return x.AsSpan(0, count);
    }
}
