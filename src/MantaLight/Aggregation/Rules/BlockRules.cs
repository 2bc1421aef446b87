using System.Numerics.Tensors;
using MantaLight.Aggregation.Blocks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Rules;

/// <summary>Rules that go over the elements once.</summary>
internal static class BlockRules
{
    /// <summary>Combines all contributions, and leaves none out.</summary>
    public static Combined Run(RuleInput input, IBlockRule rule, CancellationToken cancellationToken) => new(Pass(input.Sources, rule, input.Threads, cancellationToken), []);

    /// <summary>Combines some contributions element by element.</summary>
    /// <exception cref="MalformedDataException">An element of one is not finite, though it was when it was checked.</exception>
    public static NamedArrays Pass(IReadOnlyList<WeightsSource> sources, IBlockRule rule, int threads, CancellationToken cancellationToken) =>
        BlockPass.Run(sources, rule, threads, cancellationToken) ?? throw new MalformedDataException("A contribution changed while it was combined with others.");

    /// <summary>A copy of one contribution.</summary>
    public static NamedArrays Copy(WeightsSource source, int threads, CancellationToken cancellationToken) => Pass([source], new Blend([1], 1), threads, cancellationToken);
}

/// <summary>Σ w x / total, element by element, added in the order of the contributions in float64.</summary>
/// <param name="weights">One for each contribution, finite.</param>
/// <param name="total">What the sum is divided by.</param>
internal sealed class Blend(double[] weights, double total) : IBlockRule
{
    /// <inheritdoc/>
    public object CreateScratch(int contributions, int elements) => new Scratch(elements);

    /// <inheritdoc/>
    public bool TryCombine(in Block block, Span<byte> result, object scratch)
    {
        var room = (Scratch)scratch;
        var sums = room.Sums.AsSpan(0, block.Count);
        var values = room.Values.AsSpan(0, block.Count);
        sums.Clear();
        for (var i = 0; i < block.Contributions; i++)
        {
            Elements.Widen(block.Type, block.Read(i, room.Bytes.AsSpan(0, block.Length)), values);
            // Apart: rounded twice, on every machine alike.
            TensorPrimitives.Multiply(values, weights[i], values);
            TensorPrimitives.Add(sums, values, sums);
        }
        if (!TensorPrimitives.IsFiniteAll<double>(sums))
            return false;
        TensorPrimitives.Divide(sums, total, sums);
        Elements.Narrow(block.Type, sums, result);
        return true;
    }

    private sealed class Scratch(int elements)
    {
        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(elements * sizeof(double));

        public double[] Values { get; } = new double[elements];

        public double[] Sums { get; } = new double[elements];
    }
}
