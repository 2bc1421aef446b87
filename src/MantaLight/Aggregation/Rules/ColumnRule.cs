using System.Numerics.Tensors;
using MantaLight.Aggregation.Blocks;

namespace MantaLight.Aggregation.Rules;

/// <summary>An order statistic: what becomes of an element depends on its values in all contributions, sorted. Memory is that of a block of each.</summary>
internal abstract class ColumnRule : IBlockRule
{
    /// <inheritdoc/>
    public object CreateScratch(int contributions, int elements) => new Scratch(contributions, elements);

    /// <inheritdoc/>
    public bool TryCombine(in Block block, Span<byte> result, object scratch)
    {
        var (count, room) = (block.Count, (Scratch)scratch);
        for (var i = 0; i < block.Contributions; i++)
        {
            var values = room.Values.AsSpan(i * count, count);
            Elements.Widen(block.Type, block.Read(i, room.Bytes.AsSpan(0, block.Length)), values);
            if (!TensorPrimitives.IsFiniteAll<double>(values))
                return false;
        }
        var combined = room.Combined.AsSpan(0, count);
        var column = room.Column.AsSpan();
        for (var element = 0; element < count; element++)
        {
            for (var i = 0; i < column.Length; i++)
                column[i] = room.Values[(i * count) + element];
            column.Sort();
            combined[element] = Combine(column);
        }
        return Elements.TryNarrow(block.Type, combined, result);
    }

    /// <summary>Combines the values of one element.</summary>
    /// <param name="sorted">One of each contribution, ascending.</param>
    protected abstract double Combine(ReadOnlySpan<double> sorted);

    /// <summary>The middle value, or the mean of the two in the middle.</summary>
    protected static double MedianOf(ReadOnlySpan<double> sorted)
    {
        var half = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /// <summary>The mean of values, added in their order.</summary>
    protected static double MeanOf(ReadOnlySpan<double> values)
    {
        var sum = 0.0;
        foreach (var value in values)
            sum += value;
        return sum / values.Length;
    }

    private sealed class Scratch(int contributions, int elements)
    {
        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(elements * sizeof(double));

        public double[] Values { get; } = GC.AllocateUninitializedArray<double>(contributions * elements);

        public double[] Column { get; } = new double[contributions];

        public double[] Combined { get; } = new double[elements];
    }
}
