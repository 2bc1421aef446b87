using System.Buffers.Binary;

namespace MantaLight.Cli.Data;

/// <summary>An array in the idx format of the original MNIST files: a magic number, big-endian dimensions, bytes.</summary>
/// <param name="Shape">The dimensions, the number of samples first.</param>
/// <param name="Data">The elements, row-major.</param>
internal sealed record IdxFile(int[] Shape, ReadOnlyMemory<byte> Data)
{
    private const byte UnsignedByte = 0x08;

    /// <summary>Reads the bytes of a file.</summary>
    /// <param name="bytes">The file, unzipped.</param>
    /// <param name="path">For messages.</param>
    /// <exception cref="DatasetException">Not an idx file of unsigned bytes.</exception>
    public static IdxFile Parse(ReadOnlyMemory<byte> bytes, string path)
    {
        var span = bytes.Span;
        if (span.Length < 4 || span[0] != 0 || span[1] != 0)
            throw new DatasetException($"{path} is not an idx file: it does not begin with two zero bytes.");
        if (span[2] != UnsignedByte)
            throw new DatasetException($"{path} is an idx file of type 0x{span[2]:X2}; only unsigned bytes (0x08) are read.");
        var shape = new int[span[3]];
        var start = 4 + (shape.Length * sizeof(int));
        if (shape.Length == 0 || span.Length < start)
            throw new DatasetException($"{path} is an idx file that ends within its {shape.Length} dimensions.");
        long expected = 1;
        for (var i = 0; i < shape.Length; i++)
        {
            shape[i] = BinaryPrimitives.ReadInt32BigEndian(span[(4 + (i * sizeof(int)))..]);
            if (shape[i] < 0 || (expected *= shape[i]) > Array.MaxLength)
                throw new DatasetException($"{path} is an idx file with impossible dimensions.");
        }
        return span.Length - start == expected
            ? new IdxFile(shape, bytes[start..])
            : throw new DatasetException($"{path} is an idx file of {string.Join(" x ", shape)} and has {span.Length - start:N0} bytes of data instead of {expected:N0}.");
    }
}
