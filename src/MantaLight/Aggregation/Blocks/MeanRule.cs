using System.Numerics.Tensors;
using System.Runtime.InteropServices;
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
    private readonly double[] weights = [.. samples.Select(s => (double)s)];

    public object CreateScratch(int contributions, int elements) => new Scratch(elements);

    public bool TryCombine(in Block block, Span<byte> result, object scratch)
    {
        var room = (Scratch)scratch;
        if (!block.Type.IsFloat())
            return TryMeanOfIntegers(block, result, room);
        var sums = room.Floats.AsSpan(0, block.Count);
        sums.Clear();
        if (!TryAddFloats(block, sums, room))
            return false;
        FloatSums.WriteMeans(block.Type, sums, total, result);
        return true;
    }

    private bool TryAddFloats(in Block block, Span<double> sums, Scratch room)
    {
        var i = 0;
        if (block.Type == ArrayType.Float32)
        {
            for (; i <= block.Contributions - SingleSums.AtOnce; i += SingleSums.AtOnce)
                SingleSums.AddFour(Read(block, i, room), Peek(block, i + SingleSums.AtOnce), weights.AsSpan(i, SingleSums.AtOnce), sums);
        }
        for (; i < block.Contributions; i++)
        {
            if (!FloatSums.TryAdd(block.Type, block.Read(i, room.Buffer(0, block.Length)), samples[i], sums))
                return false;
        }
        // A sum is finite exactly where all that went into it was.
        return block.Type != ArrayType.Float32 || TensorPrimitives.IsFiniteAll<double>(sums);
    }

    private bool TryMeanOfIntegers(in Block block, Span<byte> result, Scratch room)
    {
        var sums = room.Integers.AsSpan(0, block.Count);
        sums.Clear();
        for (var i = 0; i < block.Contributions; i++)
        {
            if (!IntegerSums.TryAdd(block.Type, block.Read(i, room.Buffer(0, block.Length)), samples[i], sums))
                return false;
        }
        IntegerSums.WriteMeans(block.Type, sums, total, result);
        return true;
    }

    private static SingleSums.Four Read(in Block block, int first, Scratch room) => new(
        Floats(block.Read(first, room.Buffer(0, block.Length))),
        Floats(block.Read(first + 1, room.Buffer(1, block.Length))),
        Floats(block.Read(first + 2, room.Buffer(2, block.Length))),
        Floats(block.Read(first + 3, room.Buffer(3, block.Length))));

    private static SingleSums.Four Peek(in Block block, int first)
    {
        var last = Floats(block.Peek(first + SingleSums.AtOnce - 1));
        return last.IsEmpty ? default : new(Floats(block.Peek(first)), Floats(block.Peek(first + 1)), Floats(block.Peek(first + 2)), last);
    }

    private static ReadOnlySpan<float> Floats(ReadOnlySpan<byte> data) => MemoryMarshal.Cast<byte, float>(data);

    private sealed class Scratch(int elements)
    {
        private readonly byte[]?[] buffers = new byte[SingleSums.AtOnce][];
        private Int128[]? integers;

        public double[] Floats { get; } = new double[elements];

        public Int128[] Integers => integers ??= new Int128[elements];

        // A block of the widest elements; of contributions in memory it is never touched.
        public Span<byte> Buffer(int number, int length) => (buffers[number] ??= GC.AllocateUninitializedArray<byte>(elements * sizeof(double))).AsSpan(0, length);
    }
}
