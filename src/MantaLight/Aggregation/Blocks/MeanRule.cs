using System.Numerics.Tensors;
using MantaLight.Weights;

namespace MantaLight.Aggregation.Blocks;

/// <summary>
/// The mean of McMahan et al. 2017 (Algorithm 1), element by element, as <see cref="WeightedMean"/> takes it: the same sums in the same order, hence the
/// same bits.
/// </summary>
/// <param name="samples">The weight of each contribution, at least 1; together at most <see cref="WeightedMean.MaximumSamples"/>.</param>
internal sealed class MeanRule(IReadOnlyList<long> samples) : IBlockRule
{
    private readonly long total = samples.Sum();

    public object CreateScratch(int contributions) => new Sums();

    public bool TryCombine(in Block block, Span<byte> result, object scratch)
    {
        var room = (Sums)scratch;
        return block.Type.IsFloat() ? TryMeanOfFloats(block, result, room.Floats.AsSpan(0, block.Count)) : TryMeanOfIntegers(block, result, room.Integers.AsSpan(0, block.Count));
    }

    private bool TryMeanOfFloats(in Block block, Span<byte> result, Span<double> sums)
    {
        sums.Clear();
        for (var i = 0; i < block.Contributions; i++)
        {
            // What a float64 may hold beyond the narrower types could drive a sum to infinity and back.
            if (block.Type == ArrayType.Float64 && !FloatSums.IsInRange(block[i]))
                return false;
            FloatSums.Add(block.Type, block[i], samples[i], sums);
        }
        // A sum is finite exactly where all that went into it was.
        if (!TensorPrimitives.IsFiniteAll<double>(sums))
            return false;
        FloatSums.WriteMeans(block.Type, sums, total, result);
        return true;
    }

    private bool TryMeanOfIntegers(in Block block, Span<byte> result, Span<Int128> sums)
    {
        sums.Clear();
        for (var i = 0; i < block.Contributions; i++)
        {
            if (block.Type == ArrayType.Bool && block[i].ContainsAnyExceptInRange((byte)0, (byte)1))
                return false;
            IntegerSums.Add(block.Type, block[i], samples[i], sums);
        }
        IntegerSums.WriteMeans(block.Type, sums, total, result);
        return true;
    }

    private sealed class Sums
    {
        private Int128[]? integers;

        public double[] Floats { get; } = new double[BlockPass.Elements];

        public Int128[] Integers => integers ??= new Int128[BlockPass.Elements];
    }
}
