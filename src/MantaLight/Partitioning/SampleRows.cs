using MantaLight.Weights;

namespace MantaLight.Partitioning;

/// <summary>Takes samples out of arrays, and puts them together again: samples lie along the first dimension.</summary>
public static class SampleRows
{
    /// <summary>Some of an array's samples, in the order of their indices.</summary>
    /// <param name="array">At least one dimension.</param>
    /// <param name="samples">Indices along the first dimension; the same one may come several times.</param>
    /// <returns>A copy of the same name.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sample, or the array is a scalar.</exception>
    public static NamedArray Of(NamedArray array, ReadOnlySpan<int> samples)
    {
        ArgumentOutOfRangeException.ThrowIfZero(array.Shape.Length);
        var size = array.Shape[0] == 0 ? 0 : checked((int)(array.Data.Length / array.Shape[0]));
        var taken = new byte[checked(samples.Length * size)];
        for (var i = 0; i < samples.Length; i++)
        {
            if ((uint)samples[i] >= (ulong)array.Shape[0])
                throw new ArgumentOutOfRangeException(nameof(samples), samples[i], $"'{array}' has no such sample.");
            array.Data.Span.Slice(samples[i] * size, size).CopyTo(taken.AsSpan(i * size));
        }
        return new NamedArray(array.Name, array.Type, [samples.Length, .. array.Shape[1..]], taken);
    }

    /// <summary>The samples of several arrays one after the other.</summary>
    /// <param name="arrays">At least one; of the same type, and of the same shape but for the first dimension.</param>
    /// <returns>A copy, with the first one's name.</returns>
    /// <exception cref="DatasetException">They do not fit together.</exception>
    public static NamedArray Concat(IReadOnlyList<NamedArray> arrays)
    {
        var first = arrays[0];
        if (arrays.FirstOrDefault(a => a.Type != first.Type || a.Shape.Length == 0 || !a.Shape[1..].SequenceEqual(first.Shape[1..])) is { } other)
            throw new DatasetException($"Samples of '{first}' and of '{other}' do not fit together.");
        var length = arrays.Sum(a => (long)a.Data.Length);
        if (length > Array.MaxLength)
            throw new DatasetException($"'{first.Name}' of all together has {length:N0} bytes; {Array.MaxLength:N0} is the most.");
        var all = new byte[length];
        var at = 0;
        foreach (var array in arrays)
        {
            array.Data.Span.CopyTo(all.AsSpan(at));
            at += array.Data.Length;
        }
        return new NamedArray(first.Name, first.Type, [arrays.Sum(a => a.Shape[0]), .. first.Shape[1..]], all);
    }
}
