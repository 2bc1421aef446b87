using System.Collections.Immutable;
using MantaLight.Weights;

namespace MantaLight.Aggregation.Blocks;

/// <summary>A model cut into blocks of some elements, none of which reaches over the end of an array.</summary>
internal sealed class BlockGrid
{
    private readonly ImmutableArray<ArrayHeader> layout;

    // Where each array's blocks begin in the count of all.
    private readonly long[] begins;

    /// <param name="layout">The model.</param>
    /// <param name="elements">The most elements of a block.</param>
    public BlockGrid(ImmutableArray<ArrayHeader> layout, int elements)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(elements, 1);
        (this.layout, Elements) = (layout, elements);
        begins = new long[layout.Length];
        for (var i = 0; i < layout.Length; i++)
        {
            begins[i] = Count;
            Count += (layout[i].Count + elements - 1) / elements;
        }
    }

    /// <summary>The most elements of a block.</summary>
    public int Elements { get; }

    /// <summary>How many blocks there are.</summary>
    public long Count { get; }

    /// <summary>A block, by its number.</summary>
    public BlockPlace this[long number]
    {
        get
        {
            var found = Array.BinarySearch(begins, number);
            // Of arrays without elements, which share their beginning with the next one, the last is meant.
            var array = found >= 0 ? found : ~found - 1;
            while (array + 1 < begins.Length && begins[array + 1] == number)
                array++;
            var first = (number - begins[array]) * Elements;
            return new BlockPlace(array, layout[array].Type, (int)first, (int)Math.Min(Elements, layout[array].Count - first));
        }
    }
}

/// <summary>Some elements of one array.</summary>
/// <param name="Array">The array's place in the model.</param>
/// <param name="Type">Its type.</param>
/// <param name="First">The first element.</param>
/// <param name="Count">How many, at least 1.</param>
internal readonly record struct BlockPlace(int Array, ArrayType Type, int First, int Count)
{
    /// <summary>Where its bytes begin in the array's.</summary>
    public long Offset => (long)First * Type.SizeInBytes();

    /// <summary>How many bytes it has.</summary>
    public int Length => Count * Type.SizeInBytes();
}
