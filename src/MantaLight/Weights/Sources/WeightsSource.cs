using System.Collections.Immutable;

namespace MantaLight.Weights.Sources;

/// <summary>
/// Weights that are read piece by piece, wherever they lie: what combines many contributions holds pieces of them, never the whole.
/// Any number of threads may read at once. Dispose it when done.
/// </summary>
public abstract class WeightsSource : IDisposable
{
    private protected WeightsSource(ImmutableArray<ArrayHeader> layout) => Layout = layout;

    /// <summary>The arrays, in the model's order.</summary>
    public ImmutableArray<ArrayHeader> Layout { get; }

    /// <summary>Weights in memory.</summary>
    /// <param name="weights">Disposed with the result.</param>
    public static WeightsSource Of(NamedArrays weights) => new WeightsInMemory(weights);

    /// <summary>Some bytes of an array, little-endian.</summary>
    /// <param name="array">Its place in <see cref="Layout"/>.</param>
    /// <param name="offset">The first byte of the array's data.</param>
    /// <param name="buffer">As long as what is to be read. It is written to only where the bytes are not in memory already.</param>
    /// <returns>The bytes: where they lie, or in <paramref name="buffer"/>; good until it is used again, or this object is disposed.</returns>
    /// <exception cref="MalformedDataException">They are not there any more.</exception>
    public abstract ReadOnlySpan<byte> Read(int array, long offset, Span<byte> buffer);

    /// <summary>The bytes, or some of them, where they are in memory; none otherwise.</summary>
    internal virtual ReadOnlySpan<byte> Peek(int array, long offset, int length) => default;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of what is read.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>What keeps <paramref name="found"/> from being the layout that is expected; null where nothing does.</summary>
    internal static string? Difference(ImmutableArray<ArrayHeader> expected, ImmutableArray<ArrayHeader> found)
    {
        for (var i = 0; i < Math.Min(expected.Length, found.Length); i++)
        {
            if (!expected[i].SameLayoutAs(found[i]))
                return $"Array {i} is '{found[i]}' where '{expected[i]}' is expected.";
        }
        return expected.Length == found.Length ? null : $"There are {found.Length} arrays where {expected.Length} are expected.";
    }
}
