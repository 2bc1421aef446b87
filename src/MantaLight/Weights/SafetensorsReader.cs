using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace MantaLight.Weights;

/// <summary>Reads safetensors files: every number is checked against the file's length before it is believed.</summary>
internal static class SafetensorsReader
{
    public static async Task<SafetensorsContent> ReadAsync(string path, CancellationToken cancellationToken)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.Asynchronous);
        var length = RandomAccess.GetLength(file);
        var header = SafetensorsHeader.Parse(await ReadHeaderAsync(file, length, cancellationToken));
        var dataBegin = length - header.DataLength(length - sizeof(ulong) - header.Length);
        var arrays = new List<NamedArray>(header.Entries.Length);
        foreach (var entry in header.Entries)
        {
            var data = GC.AllocateUninitializedArray<byte>((int)(entry.End - entry.Begin));
            await ReadExactlyAsync(file, data, dataBegin + entry.Begin, cancellationToken);
            if (entry.Type == ArrayType.Bool && data.AsSpan().ContainsAnyExceptInRange((byte)0, (byte)1))
                throw new MalformedDataException($"'{entry.Name}' is BOOL and has bytes other than 0 and 1");
            arrays.Add(new NamedArray(entry.Name, entry.Type, entry.Shape.AsSpan(), data));
        }
        return new SafetensorsContent(new NamedArrays(arrays), header.Metadata);
    }

    private static async Task<byte[]> ReadHeaderAsync(SafeFileHandle file, long length, CancellationToken cancellationToken)
    {
        var prefix = new byte[sizeof(ulong)];
        if (length < prefix.Length)
            throw new MalformedDataException($"it has {length} bytes, which is less than the {prefix.Length} of its header's length");
        await ReadExactlyAsync(file, prefix, 0, cancellationToken);
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > Safetensors.MaximumHeader)
            throw new MalformedDataException($"its header would have {headerLength:N0} bytes, where at most {Safetensors.MaximumHeader:N0} are read");
        if ((long)headerLength > length - prefix.Length)
            throw new MalformedDataException($"its header has {headerLength:N0} bytes, but only {length - prefix.Length:N0} are there: it is cut short or no such file");
        var header = GC.AllocateUninitializedArray<byte>((int)headerLength);
        await ReadExactlyAsync(file, header, prefix.Length, cancellationToken);
        return header;
    }

    private static async Task ReadExactlyAsync(SafeFileHandle file, Memory<byte> target, long offset, CancellationToken cancellationToken)
    {
        while (!target.IsEmpty)
        {
            var read = await RandomAccess.ReadAsync(file, target, offset, cancellationToken);
            if (read == 0)
                throw new MalformedDataException("it became shorter while it was read");
            target = target[read..];
            offset += read;
        }
    }
}
