using System.Collections.Immutable;
using System.IO.Compression;

namespace MantaLight.Weights;

/// <summary>Reads the arrays of an .npz file. Sizes are checked against each other before anything is allocated.</summary>
internal static class NpzReader
{
    private const int MaximumArrays = 10_000;

    /// <summary>Deflate cannot do better: one of its symbols stands for at most 258 bytes and takes at least two bits.</summary>
    private const int BestDeflateRatio = 1_032;

    private const string Extension = ".npy";

    /// <summary>Reads all arrays, or those that are wanted: the bytes of the others are not looked at.</summary>
    /// <exception cref="MalformedDataException">A member is not an array that is read.</exception>
    /// <exception cref="InvalidDataException">Not a ZIP file.</exception>
    public static async Task<NamedArrays> ReadAsync(FileStream file, Predicate<string>? isWanted, CancellationToken cancellationToken)
    {
        await using var zip = await OpenAsync(file, cancellationToken);
        ZipArchiveEntry[] wanted = [.. zip.Entries.Where(e => isWanted is null || isWanted(NameOf(e)))];
        var needed = wanted.Sum(e => e.Length);
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (available > 0 && needed > available)
            throw new MalformedDataException($"its arrays take {needed:N0} bytes where this machine has {available:N0} bytes of memory");
        var arrays = new List<NamedArray>(wanted.Length);
        foreach (var entry in wanted)
            arrays.Add(await ReadAsync(entry, cancellationToken));
        return new NamedArrays(arrays);
    }

    /// <summary>Reads what the arrays are.</summary>
    /// <exception cref="MalformedDataException">A member is not an array that is read.</exception>
    /// <exception cref="InvalidDataException">Not a ZIP file.</exception>
    public static async Task<ImmutableArray<ArrayHeader>> ReadHeadersAsync(FileStream file, CancellationToken cancellationToken)
    {
        await using var zip = await OpenAsync(file, cancellationToken);
        var headers = ImmutableArray.CreateBuilder<ArrayHeader>(zip.Entries.Count);
        foreach (var entry in zip.Entries)
        {
            await using var stream = await entry.OpenAsync(cancellationToken);
            headers.Add((await NpyReader.ReadHeaderAsync(stream, NameOf(entry), entry.Length, cancellationToken)).Named(NameOf(entry)));
        }
        return headers.ToImmutable();
    }

    private static async Task<ZipArchive> OpenAsync(FileStream file, CancellationToken cancellationToken)
    {
        var zip = await ZipArchive.CreateAsync(file, ZipArchiveMode.Read, leaveOpen: true, entryNameEncoding: null, cancellationToken);
        try
        {
            Check(zip, file.Length);
            return zip;
        }
        catch
        {
            await zip.DisposeAsync();
            throw;
        }
    }

    private static void Check(ZipArchive zip, long fileLength)
    {
        if (zip.Entries.Count > MaximumArrays)
            throw new MalformedDataException($"it has {zip.Entries.Count:N0} members; at most {MaximumArrays:N0} are read");
        long compressed = 0;
        foreach (var entry in zip.Entries)
        {
            if (!entry.FullName.EndsWith(Extension, StringComparison.Ordinal) || entry.FullName.Length == Extension.Length)
                throw new MalformedDataException($"its member '{entry.FullName}' is not an .npy file");
            if (entry.IsEncrypted)
                throw new MalformedDataException($"its member '{entry.FullName}' is encrypted");
            // Members that overlap, or that claim to unpack to more than they can, are how ZIP bombs are made.
            if (entry.CompressedLength > fileLength - compressed || entry.Length / BestDeflateRatio > entry.CompressedLength)
                throw new MalformedDataException($"its member '{entry.FullName}' claims {entry.CompressedLength:N0} bytes that unpack to {entry.Length:N0}, which cannot be");
            compressed += entry.CompressedLength;
        }
    }

    private static async Task<NamedArray> ReadAsync(ZipArchiveEntry entry, CancellationToken cancellationToken)
    {
        var name = NameOf(entry);
        await using var stream = await entry.OpenAsync(cancellationToken);
        var header = await NpyReader.ReadHeaderAsync(stream, name, entry.Length, cancellationToken);
        var array = await NpyReader.ReadDataAsync(stream, name, header, entry.Length, cancellationToken);
        if (Crc32.Of(array.Data.Span, Crc32.Of(header.Raw.Span)) != entry.Crc32)
            throw new MalformedDataException($"array '{name}' is damaged: its checksum is not the one that the file gives");
        return array;
    }

    private static string NameOf(ZipArchiveEntry entry) => entry.FullName[..^Extension.Length];
}
