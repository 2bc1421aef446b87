using System.Globalization;
using System.Numerics.Tensors;
using MantaLight.Aggregation.Blocks;
using MantaLight.Aggregation.Noise;
using MantaLight.Privacy;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// Differentially private federated averaging with a fixed denominator (McMahan et al. 2018, "Learning Differentially Private Recurrent Language Models", Algorithm 1 and the estimator f̃_f): w + (Σ d + N(0, (zC)²)) / m,
/// with differences d that were clipped to C, and m the expected number of contributions, whatever came. Each contribution counts the same. Integers and booleans stay those of the model before: they would tell what is
/// not protected.
/// </summary>
/// <param name="terms">What is accounted for.</param>
/// <param name="expected">m, above 0: the sampling probability times all participants.</param>
internal sealed class PrivateMean(PrivacyTerms terms, double expected) : IAggregationRule
{
    /// <summary>m.</summary>
    public double Expected => expected;

    /// <inheritdoc/>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"private_mean noise={terms.Mechanism.Noise} expected={expected}{terms.Text}");

    /// <inheritdoc/>
    public bool IsWeighted => false;

    /// <inheritdoc/>
    public bool NeedsReference => true;

    /// <inheritdoc/>
    public PrivacyTerms Privacy => terms;

    /// <inheritdoc/>
    public string? TooFew(int contributions) => null;

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken)
    {
        var noise = terms.IsSeeded ? NoiseSource.OfSeed(input.Seed) : NoiseSource.Secret;
        // A number that is fixed is accounted for as what it is to be.
        if (terms.Mechanism.Scheme == SamplingScheme.Fixed && input.Sources.Count > expected)
            throw new TaskContractException($"{input.Sources.Count} contributions came where 'private_mean scheme=fixed' accounts for {expected}: set the task's 'maximum' to that.");
        var rule = new NoisySum(noise, (input.Noise ?? terms.Mechanism.Noise) * input.Clip!.Value, expected);
        // The model before comes last; it is there also where nobody took part.
        IReadOnlyList<WeightsSource> sources = [.. input.Sources, input.Reference!];
        return BlockRules.Run(input with { Sources = sources }, rule, cancellationToken);
    }

    private sealed class NoisySum(NoiseSource noise, double deviation, double expected) : IBlockRule
    {
        public object CreateScratch(int contributions, int elements) => new Scratch(elements);

        public bool TryCombine(in Block block, Span<byte> result, object scratch)
        {
            var room = (Scratch)scratch;
            var before = block.Contributions - 1;
            if (!block.Type.IsFloat())
            {
                block.Read(before, room.Bytes.AsSpan(0, block.Length)).CopyTo(result);
                return true;
            }
            var sums = room.Sums.AsSpan(0, block.Count);
            var values = room.Values.AsSpan(0, block.Count);
            var start = room.Start.AsSpan(0, block.Count);
            Elements.Widen(block.Type, block.Read(before, room.Bytes.AsSpan(0, block.Length)), start);
            noise.Fill(sums, block.Place.Array, block.Place.First);
            TensorPrimitives.Multiply(sums, deviation, sums);
            for (var i = 0; i < before; i++)
            {
                Elements.Widen(block.Type, block.Read(i, room.Bytes.AsSpan(0, block.Length)), values);
                TensorPrimitives.Subtract<double>(values, start, values);
                TensorPrimitives.Add<double>(sums, values, sums);
            }
            TensorPrimitives.Divide(sums, expected, sums);
            TensorPrimitives.Add<double>(sums, start, sums);
            return Elements.TryNarrow(block.Type, sums, result);
        }
    }

    private sealed class Scratch(int elements)
    {
        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(elements * sizeof(double));

        public double[] Sums { get; } = new double[elements];

        public double[] Values { get; } = new double[elements];

        public double[] Start { get; } = new double[elements];
    }
}
