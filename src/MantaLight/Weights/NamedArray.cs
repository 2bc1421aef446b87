using System.Runtime.InteropServices;

namespace MantaLight.Weights;

/// <summary>A dense array, row-major, with a name: one tensor of a model, or one member of an .npz file.</summary>
public sealed class NamedArray
{
    private readonly long[] shape;

    /// <summary>Names <paramref name="data"/>; nothing is copied.</summary>
    /// <param name="name">1 to 256 characters.</param>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The dimensions, none negative; empty for a scalar.</param>
    /// <param name="data">Exactly the product of the dimensions times the element size, little-endian.</param>
    /// <exception cref="MalformedDataException">The length is not what shape and type ask for.</exception>
    public NamedArray(string name, ArrayType type, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> data)
    {
        if (name.Length is 0 or > MaximumNameLength)
            throw new MalformedDataException($"An array's name must have 1 to {MaximumNameLength} characters; this one has {name.Length}.");
        if (ByteLength(type, shape) is not { } expected || expected != data.Length)
        {
            throw new MalformedDataException(
                $"Array '{name}' of {type.WireName()} [{string.Join(", ", shape.ToArray())}] comes with {data.Length} bytes, which do not fit that shape.");
        }
        Name = name;
        Type = type;
        this.shape = shape.ToArray();
        Data = data;
    }

    /// <summary>The longest name.</summary>
    public const int MaximumNameLength = 256;

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public ArrayType Type { get; }

    /// <summary>The dimensions; empty for a scalar.</summary>
    public ReadOnlySpan<long> Shape => shape;

    /// <summary>The elements, little-endian, row-major.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>The number of elements.</summary>
    public long Count => Data.Length / Type.SizeInBytes();

    /// <summary>The elements as a span of <typeparamref name="T"/>, which must have the element size.</summary>
    /// <exception cref="InvalidOperationException"><typeparamref name="T"/> has another size than <see cref="Type"/>.</exception>
    public ReadOnlySpan<T> Span<T>()
        where T : unmanaged
    {
        if (Marshal.SizeOf<T>() != Type.SizeInBytes() && !(typeof(T) == typeof(bool) && Type == ArrayType.Bool))
            throw new InvalidOperationException($"Array '{Name}' holds {Type.WireName()}, not {typeof(T).Name}.");
        return MemoryMarshal.Cast<byte, T>(Data.Span);
    }

    /// <summary>Whether the other has the same name, type and shape.</summary>
    public bool SameLayoutAs(NamedArray other) =>
        Name == other.Name && Type == other.Type && Shape.SequenceEqual(other.Shape);

    /// <summary>Name, type and shape, for messages.</summary>
    public override string ToString() => $"{Name}: {Type.WireName()} [{string.Join(", ", shape)}]";

    /// <summary>The bytes that a type and shape ask for; null where the shape is negative or the product overflows.</summary>
    internal static long? ByteLength(ArrayType type, ReadOnlySpan<long> shape)
    {
        long length = type.SizeInBytes();
        foreach (var dimension in shape)
        {
            if (dimension < 0)
                return null;
            if (dimension != 0 && length > long.MaxValue / dimension)
                return null;
            length *= dimension;
        }
        return length;
    }
}
