using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Blocks;

/// <summary>The same elements of one array, of every contribution.</summary>
internal readonly ref struct Block
{
    private readonly ReadOnlySpan<WeightsSource> sources;
    private readonly BlockPlace place;
    private readonly BlockPlace next;

    /// <param name="sources">The contributions, in their order.</param>
    /// <param name="place">Which elements.</param>
    /// <param name="next">Those that the same thread will combine after them; of no elements where there are none.</param>
    public Block(ReadOnlySpan<WeightsSource> sources, BlockPlace place, BlockPlace next)
    {
        this.sources = sources;
        this.place = place;
        this.next = next;
    }

    public BlockPlace Place => place;

    public ArrayType Type => place.Type;

    /// <summary>Elements of each contribution.</summary>
    public int Count => place.Count;

    /// <summary>Bytes of each contribution.</summary>
    public int Length => place.Length;

    public int Contributions => sources.Length;

    /// <summary>A contribution's elements, little-endian.</summary>
    /// <param name="contribution">Which one.</param>
    /// <param name="buffer">At least <see cref="Length"/> bytes. It is written to only where the elements are not in memory already.</param>
    /// <returns>The elements, good until the buffer is used again.</returns>
    public ReadOnlySpan<byte> Read(int contribution, Span<byte> buffer) => sources[contribution].Read(place.Array, place.Offset, buffer[..place.Length]);

    /// <summary>
    /// What is read after other contributions of this block, where it lies in memory: past the last contribution the next block of the first ones.
    /// Nothing where it is not in memory, or shorter than this block.
    /// </summary>
    public ReadOnlySpan<byte> Peek(int contribution)
    {
        if (contribution < sources.Length)
            return sources[contribution].Peek(place.Array, place.Offset, place.Length);
        contribution -= sources.Length;
        return contribution < sources.Length && next.Length >= place.Length ? sources[contribution].Peek(next.Array, next.Offset, next.Length) : default;
    }
}

/// <summary>Combines elements across contributions, each element for itself: a mean, a median, a trimmed mean.</summary>
internal interface IBlockRule
{
    /// <summary>Scratch memory for one thread at a time, made once for each.</summary>
    /// <param name="contributions">How many contributions.</param>
    /// <param name="elements">The most elements of a block.</param>
    object CreateScratch(int contributions, int elements);

    /// <summary>Combines a block.</summary>
    /// <param name="block">The elements.</param>
    /// <param name="result">As many elements of the same type.</param>
    /// <param name="scratch">From <see cref="CreateScratch"/>.</param>
    /// <returns>False where a value cannot be combined, such as NaN: some contribution is to be refused.</returns>
    bool TryCombine(in Block block, Span<byte> result, object scratch);
}
