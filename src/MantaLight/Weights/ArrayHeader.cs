using System.Collections.Immutable;

namespace MantaLight.Weights;

/// <summary>What an array file says about one of its arrays, without the data.</summary>
/// <param name="Name">The member's name without <c>.npy</c>; for a lone .npy file the file's name without extension.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The dimensions; empty for a scalar.</param>
public sealed record ArrayHeader(string Name, ArrayType Type, ImmutableArray<long> Shape)
{
    /// <summary>The length of the first dimension, which is the number of samples by convention; 1 for a scalar.</summary>
    public long Samples => Shape is [var first, ..] ? first : 1;
}
