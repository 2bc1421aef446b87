using System.IO.Compression;

namespace MantaLight.Weights;

/// <summary>Writes arrays as an .npz file.</summary>
internal static class NpzWriter
{
    /// <summary>The first moment that ZIP can tell; the real time would make equal arrays differ as files.</summary>
    private static readonly DateTimeOffset Epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes a new file and waits until it is on the disk.</summary>
    /// <exception cref="MalformedDataException">An array has no NumPy form, or two have one name.</exception>
    /// <exception cref="IOException">The file is there already or cannot be written.</exception>
    public static async Task WriteAsync(string path, IReadOnlyList<NamedArray> arrays, bool compress, CancellationToken cancellationToken)
    {
        NpyHeader[] headers = [.. arrays.Select(NpyHeader.For)];
        if (arrays.GroupBy(a => a.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new MalformedDataException($"two arrays are named '{twice.Key}'");
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 64 * 1024, useAsync: true);
        var zip = await ZipArchive.CreateAsync(file, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, cancellationToken);
        await using (zip)
        {
            for (var i = 0; i < arrays.Count; i++)
            {
                var entry = zip.CreateEntry($"{arrays[i].Name}.npy", compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
                entry.LastWriteTime = Epoch;
                await using var stream = await entry.OpenAsync(cancellationToken);
                await stream.WriteAsync(headers[i].Raw, cancellationToken);
                await stream.WriteAsync(arrays[i].Data, cancellationToken);
            }
        }
        file.Flush(flushToDisk: true);
    }
}
