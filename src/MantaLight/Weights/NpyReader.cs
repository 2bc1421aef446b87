using System.Buffers.Binary;
using System.Text;

namespace MantaLight.Weights;

/// <summary>Reads one array in the .npy format from a stream.</summary>
internal static class NpyReader
{
    /// <summary>NumPy itself refuses headers above 10,000 bytes.</summary>
    private const int MaximumHeaderLength = 64 * 1024;

    /// <summary>Reads the header and checks that the data it announces are what follows it.</summary>
    /// <param name="stream">At the beginning of the array.</param>
    /// <param name="name">For messages.</param>
    /// <param name="length">The bytes of header and data together.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="MalformedDataException">Not an array that is read.</exception>
    public static async Task<NpyHeader> ReadHeaderAsync(Stream stream, string name, long length, CancellationToken cancellationToken)
    {
        try
        {
            var raw = new byte[NpyHeader.PrefixLength + sizeof(uint)];
            await stream.ReadExactlyAsync(raw.AsMemory(0, NpyHeader.PrefixLength), cancellationToken);
            var start = NpyHeader.PrefixLength + NpyHeader.LengthSize(raw);
            await stream.ReadExactlyAsync(raw.AsMemory(NpyHeader.PrefixLength..start), cancellationToken);
            long literal = BinaryPrimitives.ReadUInt32LittleEndian(raw.AsSpan(NpyHeader.PrefixLength)); // the high half is zero in version 1
            if (literal > Math.Min(MaximumHeaderLength, length - start))
                throw new MalformedDataException($"its header claims {literal:N0} bytes");
            Array.Resize(ref raw, start + (int)literal);
            await stream.ReadExactlyAsync(raw.AsMemory(start), cancellationToken);
            var (type, shape) = NpyLiteral.Parse(Encoding.UTF8.GetString(raw.AsSpan(start)));
            if (NamedArray.ByteLength(type, shape.AsSpan()) is not { } expected || expected != length - raw.Length)
            {
                throw new MalformedDataException(
                    $"its header announces {type.WireName()} [{string.Join(", ", shape)}], which is not the {length - raw.Length:N0} bytes that follow");
            }
            return new NpyHeader(type, shape, raw);
        }
        catch (EndOfStreamException)
        {
            throw new MalformedDataException($"array '{name}': it ends within its header");
        }
        catch (MalformedDataException e)
        {
            throw new MalformedDataException($"array '{name}': {e.Message}", e);
        }
    }

    /// <summary>Reads the whole array into memory of its own.</summary>
    /// <exception cref="MalformedDataException">Not an array that is read.</exception>
    public static async Task<NamedArray> ReadAsync(Stream stream, string name, long length, CancellationToken cancellationToken)
    {
        var header = await ReadHeaderAsync(stream, name, length, cancellationToken);
        return await ReadDataAsync(stream, name, header, length, cancellationToken);
    }

    /// <summary>Reads the data that follow a header.</summary>
    /// <exception cref="MalformedDataException">Too few, or not of the type.</exception>
    public static async Task<NamedArray> ReadDataAsync(
        Stream stream, string name, NpyHeader header, long length, CancellationToken cancellationToken)
    {
        var bytes = length - header.Raw.Length;
        if (bytes > Array.MaxLength)
            throw new MalformedDataException($"array '{name}' has {bytes:N0} bytes; at most {Array.MaxLength:N0} are read, so split it");
        var data = GC.AllocateUninitializedArray<byte>((int)bytes);
        try
        {
            await stream.ReadExactlyAsync(data, cancellationToken);
        }
        catch (EndOfStreamException)
        {
            throw new MalformedDataException($"array '{name}' ends before its {bytes:N0} bytes are complete");
        }
        if (header.Type == ArrayType.Bool && data.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var at)
            throw new MalformedDataException($"array '{name}' is bool and has the byte {data[at]} at {at}");
        return new NamedArray(name, header.Type, header.Shape.AsSpan(), data);
    }
}
