using MantaLight.Weights;

namespace MantaLight.Aggregation.Blocks;

/// <summary>The same elements of one array, of every contribution.</summary>
internal readonly ref struct Block
{
    private readonly ReadOnlySpan<NamedArray> column;
    private readonly int start;
    private readonly int length;

    /// <param name="column">The array of each contribution, in the contributions' order.</param>
    /// <param name="first">The first element.</param>
    /// <param name="count">How many elements.</param>
    public Block(ReadOnlySpan<NamedArray> column, int first, int count)
    {
        this.column = column;
        Type = column[0].Type;
        Count = count;
        (start, length) = (first * Type.SizeInBytes(), count * Type.SizeInBytes());
    }

    public ArrayType Type { get; }

    /// <summary>Elements of each contribution.</summary>
    public int Count { get; }

    public int Contributions => column.Length;

    /// <summary>A contribution's elements, little-endian.</summary>
    public ReadOnlySpan<byte> this[int contribution] => column[contribution].Data.Span.Slice(start, length);
}

/// <summary>Combines elements across contributions, each element for itself: a mean, a median, a trimmed mean.</summary>
internal interface IBlockRule
{
    /// <summary>Scratch memory for one thread at a time, made once for each.</summary>
    object CreateScratch(int contributions);

    /// <summary>Combines a block.</summary>
    /// <param name="block">At most <see cref="BlockPass.Elements"/> elements of each contribution.</param>
    /// <param name="result">As many elements of the same type.</param>
    /// <param name="scratch">From <see cref="CreateScratch"/>.</param>
    /// <returns>False where a value cannot be combined, such as NaN: some contribution is to be refused.</returns>
    bool TryCombine(in Block block, Span<byte> result, object scratch);
}
