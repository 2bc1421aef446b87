using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Shared;

/// <summary>A model of one vector, for swarms that need no numeric library.</summary>
internal static class Vector
{
    public static NamedArrays Of(params float[] values) =>
        new([new NamedArray("w", ArrayType.Float32, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray())]);
}
