using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace MantaLight.Weights;

/// <summary>The header of the .npy format: a magic number, a version and a Python literal that is padded to 64 bytes.</summary>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The dimensions.</param>
/// <param name="Raw">The bytes as they stand in the file; the data follow them.</param>
internal sealed record NpyHeader(ArrayType Type, ImmutableArray<long> Shape, ReadOnlyMemory<byte> Raw)
{
    private const int Alignment = 64;

    private static ReadOnlySpan<byte> Magic => "\u0093NUMPY"u8[1..]; // U+0093 is C2 93 in UTF-8: the second byte is the magic's first

    /// <summary>The header with a name.</summary>
    public ArrayHeader Named(string name) => new(name, Type, Shape);

    /// <summary>The bytes before the literal: magic, version and length; the latter's size depends on the version.</summary>
    public const int PrefixLength = 8;

    /// <summary>How many bytes after the prefix hold the literal's length.</summary>
    /// <exception cref="MalformedDataException">Not .npy, or a version that is not 1, 2 or 3.</exception>
    public static int LengthSize(ReadOnlySpan<byte> prefix)
    {
        if (!prefix[..6].SequenceEqual(Magic))
            throw new MalformedDataException("it does not begin as .npy data do (pickled objects and other formats are not read)");
        return (prefix[6], prefix[7]) switch
        {
            (1, 0) => 2,
            (2 or 3, 0) => 4,
            var (major, minor) => throw new MalformedDataException($".npy version {major}.{minor} is unknown; 1.0, 2.0 and 3.0 are read"),
        };
    }

    /// <summary>The header for an array, version 1.0, laid out so that the data begin at a multiple of 64 bytes.</summary>
    /// <exception cref="MalformedDataException">NumPy has no such type.</exception>
    public static NpyHeader For(NamedArray array)
    {
        var shape = array.Shape.Length == 1 ? $"({array.Shape[0]},)" : $"({string.Join(", ", array.Shape.ToArray())})";
        var literal = $"{{'descr': '{Descriptor(array)}', 'fortran_order': False, 'shape': {shape}, }}";
        const int before = PrefixLength + sizeof(ushort);
        var total = (before + literal.Length + 1 + Alignment - 1) / Alignment * Alignment;
        var raw = new byte[total];
        Magic.CopyTo(raw);
        raw[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(raw.AsSpan(PrefixLength), checked((ushort)(total - before)));
        raw.AsSpan(before).Fill((byte)' ');
        Encoding.ASCII.GetBytes(literal, raw.AsSpan(before));
        raw[^1] = (byte)'\n';
        return new NpyHeader(array.Type, [.. array.Shape], raw);
    }

    /// <summary>The element type of a NumPy descriptor.</summary>
    /// <exception cref="MalformedDataException">A type that is not read, with the reason.</exception>
    public static ArrayType TypeOf(string descriptor) => descriptor switch
    {
        "<f2" => ArrayType.Float16,
        "<f4" => ArrayType.Float32,
        "<f8" => ArrayType.Float64,
        "|i1" or "<i1" => ArrayType.Int8,
        "|u1" or "<u1" => ArrayType.UInt8,
        "<i2" => ArrayType.Int16,
        "<i4" => ArrayType.Int32,
        "<i8" => ArrayType.Int64,
        "|b1" or "<b1" => ArrayType.Bool,
        ['>', ..] => throw new MalformedDataException($"the elements are big-endian ('{descriptor}'); save them with .astype(a.dtype.newbyteorder('<'))"),
        ['|', 'O', ..] or ['O', ..] => throw new MalformedDataException("it holds pickled Python objects, which are never read; save numbers"),
        _ => throw new MalformedDataException(
            $"elements of NumPy type '{descriptor}' are not read; convert to float16/32/64, int8/16/32/64, uint8 or bool"),
    };

    private static string Descriptor(NamedArray array) => array.Type switch
    {
        ArrayType.Float16 => "<f2",
        ArrayType.Float32 => "<f4",
        ArrayType.Float64 => "<f8",
        ArrayType.Int8 => "|i1",
        ArrayType.UInt8 => "|u1",
        ArrayType.Int16 => "<i2",
        ArrayType.Int32 => "<i4",
        ArrayType.Int64 => "<i8",
        ArrayType.Bool => "|b1",
        _ => throw new MalformedDataException($"array '{array.Name}' is {array.Type.WireName()}, which NumPy does not have; convert to float32"),
    };
}
