using System.Collections.Immutable;

namespace MantaLight.Weights;

/// <summary>What is said about an array, without its data.</summary>
/// <param name="Name">Of a tensor; of a member of an .npz file its name without <c>.npy</c>, of a lone .npy file the file's name without extension.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The dimensions; empty for a scalar.</param>
public sealed record ArrayHeader(string Name, ArrayType Type, ImmutableArray<long> Shape)
{
    /// <summary>The length of the first dimension, which is the number of samples by convention; 1 for a scalar.</summary>
    public long Samples => Shape is [var first, ..] ? first : 1;

    /// <summary>The number of elements.</summary>
    public long Count => Length / Type.SizeInBytes();

    /// <summary>The bytes of all elements.</summary>
    /// <exception cref="MalformedDataException">The shape is none.</exception>
    public long Length => NamedArray.ByteLength(Type, Shape.AsSpan()) ?? throw new MalformedDataException($"'{this}' cannot be the shape of an array.");

    /// <summary>Whether the other has the same name, type and shape.</summary>
    public bool SameLayoutAs(ArrayHeader other) => Name == other.Name && Type == other.Type && Shape.AsSpan().SequenceEqual(other.Shape.AsSpan());

    /// <summary>Name, type and shape, for messages.</summary>
    public override string ToString() => $"{Name}: {Type.WireName()} [{string.Join(", ", Shape)}]";

    internal static ArrayHeader Of(NamedArray array) => new(array.Name, array.Type, [.. array.Shape]);
}
