using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Tests.Aggregation;

/// <summary>Small sets of arrays for tests.</summary>
internal static class Models
{
    public static NamedArray Array<T>(string name, ArrayType type, params T[] values)
        where T : unmanaged =>
        new(name, type, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public static NamedArray Floats(string name, params float[] values) => Array(name, ArrayType.Float32, values);

    public static NamedArrays Of(params NamedArray[] arrays) => new(arrays);

    /// <summary>Names, types, shapes and every bit of the data.</summary>
    public static void AssertIdentical(NamedArrays expected, NamedArrays actual)
    {
        Assert.Null(expected.DifferenceFrom(actual));
        foreach (var (a, b) in expected.Zip(actual))
            Assert.True(a.Data.Span.SequenceEqual(b.Data.Span), $"'{a.Name}' differs.");
    }
}
