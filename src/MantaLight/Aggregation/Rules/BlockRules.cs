using System.Numerics.Tensors;
using MantaLight.Aggregation.Blocks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Rules;

/// <summary>Rules that go over the elements once.</summary>
internal static class BlockRules
{
    private const int MostValues = 1 << 20;
    private const int LeastElements = 64;

    /// <summary>Combines all contributions, and leaves none out.</summary>
    public static Combined Run(RuleInput input, IBlockRule rule, CancellationToken cancellationToken) => new(Pass(input.Sources, rule, input.Threads, cancellationToken), []);

    /// <summary>Combines some contributions element by element.</summary>
    /// <exception cref="TaskContractException">An element of the result is beyond its type.</exception>
    public static NamedArrays Pass(IReadOnlyList<WeightsSource> sources, IBlockRule rule, int threads, CancellationToken cancellationToken) =>
        BlockPass.Run(sources, rule, ElementsFor(sources), threads, cancellationToken)
        ?? throw new TaskContractException("The contributions cannot be combined: an element of what they come to is not finite, or beyond what its type can hold.");

    /// <summary>A copy of one contribution, to the bit.</summary>
    public static NamedArrays Copy(WeightsSource source, int threads, CancellationToken cancellationToken) => Pass([source], new Verbatim(), threads, cancellationToken);

    // Of very many contributions fewer elements at a time: a thread holds a block of each, and none more than some megabytes.
    private static int ElementsFor(IReadOnlyList<WeightsSource> sources) =>
        Math.Clamp(MostValues / sources.Count, LeastElements, sources.Any(s => s is WeightsFile) ? BlockPass.InFiles : BlockPass.InMemory);

    private sealed class Verbatim : IBlockRule
    {
        public object CreateScratch(int contributions, int elements) => new byte[elements * sizeof(double)];

        public bool TryCombine(in Block block, Span<byte> result, object scratch)
        {
            block.Read(0, ((byte[])scratch).AsSpan(0, block.Length)).CopyTo(result);
            return true;
        }
    }
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
        TensorPrimitives.Divide(sums, total, sums);
        return Elements.TryNarrow(block.Type, sums, result);
    }

    private sealed class Scratch(int elements)
    {
        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(elements * sizeof(double));

        public double[] Values { get; } = new double[elements];

        public double[] Sums { get; } = new double[elements];
    }
}
