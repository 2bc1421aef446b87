using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace MantaLight.Weights;

/// <summary>
/// An ordered set of arrays with distinct names: a model's weights, or an .npz file. It owns what its arrays' memory
/// points into; dispose it when done and do not touch the arrays afterwards.
/// </summary>
public sealed class NamedArrays : IReadOnlyList<NamedArray>, IDisposable
{
    private readonly List<NamedArray> arrays;
    private readonly Dictionary<string, NamedArray> byName;
    private IDisposable? owner;

    /// <summary>Collects arrays in the given order.</summary>
    /// <param name="arrays">The arrays.</param>
    /// <param name="owner">What to dispose with this object, if the memory needs it.</param>
    /// <exception cref="MalformedDataException">Two arrays have one name.</exception>
    public NamedArrays(IEnumerable<NamedArray> arrays, IDisposable? owner = null)
    {
        this.arrays = [.. arrays];
        this.owner = owner;
        byName = new Dictionary<string, NamedArray>(this.arrays.Count, StringComparer.Ordinal);
        foreach (var array in this.arrays)
        {
            if (!byName.TryAdd(array.Name, array))
                throw new MalformedDataException($"Two arrays are named '{array.Name}'.");
        }
    }

    /// <inheritdoc/>
    public int Count => arrays.Count;

    /// <inheritdoc/>
    public NamedArray this[int index] => arrays[index];

    /// <summary>The array of that name.</summary>
    /// <exception cref="KeyNotFoundException">There is none; the message lists the names that there are.</exception>
    public NamedArray this[string name] => byName.TryGetValue(name, out var array)
        ? array
        : throw new KeyNotFoundException($"No array is named '{name}'; there are: {string.Join(", ", byName.Keys)}.");

    /// <summary>The bytes of all elements.</summary>
    public long TotalBytes => arrays.Sum(a => (long)a.Data.Length);

    /// <summary>Finds an array by name.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out NamedArray? array) => byName.TryGetValue(name, out array);

    /// <summary>What keeps <paramref name="other"/> from being the same model, or null: order, names, types and shapes.</summary>
    public string? DifferenceFrom(NamedArrays other)
    {
        for (var i = 0; i < Math.Min(Count, other.Count); i++)
        {
            if (!this[i].SameLayoutAs(other[i]))
                return $"array {i} is '{this[i]}' where '{other[i]}' is expected";
        }
        return Count == other.Count ? null : $"{Count} arrays where {other.Count} are expected";
    }

    /// <inheritdoc/>
    public IEnumerator<NamedArray> GetEnumerator() => arrays.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref owner, null)?.Dispose();
}
