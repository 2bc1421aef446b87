using System.Globalization;
using System.Numerics.Tensors;
using MantaLight.Aggregation.Blocks;
using MantaLight.Weights;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// Buffered asynchronous aggregation (Nguyen et al. 2022, "Federated Learning with Buffered Asynchronous Aggregation", Algorithm 1 and section 5.1): w += (η / K) Σ s(τ) d, with d a node's difference from the model that it began
/// with, τ how many versions older that is than this one, and s(τ) = (1 + τ)^-a, a = 1/2 in the paper. Divided by the K contributions, whatever they weigh; samples do not matter.
/// </summary>
/// <param name="rate">η, above 0.</param>
/// <param name="exponent">a, at least 0; 0 weighs none less for its age.</param>
internal sealed class BufferedMean(double rate, double exponent) : IAggregationRule
{
    /// <summary>The exponent of the paper.</summary>
    public const double UsualExponent = 0.5;

    /// <inheritdoc/>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"fed_buff lr={rate} staleness={(exponent == 0 ? "constant" : $"polynomial:{exponent.ToString(CultureInfo.InvariantCulture)}")}");

    /// <inheritdoc/>
    public bool IsWeighted => false;

    /// <inheritdoc/>
    public bool NeedsReference => true;

    /// <inheritdoc/>
    public bool TakesDifferences => true;

    /// <inheritdoc/>
    public string? TooFew(int contributions) => null;

    /// <summary>s(τ).</summary>
    /// <param name="staleness">τ, at least 0.</param>
    public double WeightOf(int staleness) => exponent == UsualExponent ? 1 / Math.Sqrt(1.0 + staleness) : Math.Pow(1.0 + staleness, -exponent);

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken)
    {
        var count = input.Sources.Count;
        double[] parts = [.. Enumerable.Range(0, count).Select(i => rate * WeightOf(input.Staleness is { } ages ? ages[i] : 0) / count)];
        return new Combined(BlockRules.Pass([.. input.Sources, input.Reference!], new Move(parts), input.Threads, cancellationToken), []);
    }

    /// <summary>w + Σ c (x - w), added in the order of the contributions in float64; integers and booleans stay w's.</summary>
    private sealed class Move(double[] parts) : IBlockRule
    {
        public object CreateScratch(int contributions, int elements) => new Scratch(elements);

        public bool TryCombine(in Block block, Span<byte> result, object scratch)
        {
            var room = (Scratch)scratch;
            if (!block.Type.IsFloat())
            {
                block.Read(parts.Length, room.Bytes.AsSpan(0, block.Length)).CopyTo(result);
                return true;
            }
            var sums = room.Sums.AsSpan(0, block.Count);
            var values = room.Values.AsSpan(0, block.Count);
            var start = room.Start.AsSpan(0, block.Count);
            Elements.Widen(block.Type, block.Read(parts.Length, room.Bytes.AsSpan(0, block.Length)), start);
            sums.Clear();
            for (var i = 0; i < parts.Length; i++)
            {
                Elements.Widen(block.Type, block.Read(i, room.Bytes.AsSpan(0, block.Length)), values);
                TensorPrimitives.Subtract<double>(values, start, values);
                // Apart: rounded twice, on every machine alike.
                TensorPrimitives.Multiply(values, parts[i], values);
                TensorPrimitives.Add<double>(sums, values, sums);
            }
            TensorPrimitives.Add<double>(sums, start, sums);
            return Elements.TryNarrow(block.Type, sums, result);
        }
    }

    private sealed class Scratch(int elements)
    {
        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(elements * sizeof(double));

        public double[] Values { get; } = new double[elements];

        public double[] Sums { get; } = new double[elements];

        public double[] Start { get; } = new double[elements];
    }
}
