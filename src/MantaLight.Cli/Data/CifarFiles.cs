using System.Collections.Immutable;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

namespace MantaLight.Cli.Data;

/// <summary>
/// CIFAR-10 (Krizhevsky 2009) in its binary version: an archive of six files. Each has records of a label and 32 x 32 red, then green, then blue bytes, row
/// by row, and the classes are equally many in the five to train with, and in the one to test with.
/// </summary>
/// <param name="Records">Records of a file.</param>
/// <param name="ArchiveBytes">The size of the archive.</param>
/// <param name="ArchiveSha256">Its hash, in lower-case hexadecimal.</param>
internal sealed record CifarFiles(int Records, long ArchiveBytes, string ArchiveSha256)
{
    /// <summary>The archive.</summary>
    public const string Archive = "cifar-10-binary.tar.gz";

    /// <summary>The folder in it.</summary>
    public const string Folder = "cifar-10-batches-bin";

    private const int Classes = 10;
    private const int Channels = 3;
    private const int Side = 32;
    private const int ImageBytes = Channels * Side * Side;
    private const int RecordBytes = 1 + ImageBytes;

    /// <summary>The 50,000 and 10,000 images. The authors' page tells the archive's MD5, c32a1d4ab5d03f1284b67883e8d87530; this is the same file's SHA-256.</summary>
    public static CifarFiles Original { get; } = new(10_000, 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd");

    /// <summary>The files to train with, in order.</summary>
    public static ImmutableArray<string> TrainNames { get; } = [.. Enumerable.Range(1, 5).Select(n => $"data_batch_{n}.bin")];

    /// <summary>The file to test with.</summary>
    public const string TestName = "test_batch.bin";

    /// <summary>Reads and verifies the data set of a folder: the archive, or its six files there or in <see cref="Folder"/>.</summary>
    /// <remarks>The archive is known by its hash. Of single files the size, the labels and how many images of each class there are is all that there is to go by.</remarks>
    /// <exception cref="DatasetException">It is not there, damaged or another one.</exception>
    public async Task<(LabeledImages Train, LabeledImages Test)> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        var origin = Path.Combine(folder, Archive);
        try
        {
            if (File.Exists(origin))
            {
                await VerifyAsync(origin, origin, cancellationToken);
                return Sets(await ExtractAsync(origin, cancellationToken), origin);
            }
            origin = File.Exists(Path.Combine(folder, Folder, TestName)) ? Path.Combine(folder, Folder) : folder;
            var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            foreach (var name in TrainNames.Append(TestName))
                files[name] = await ReadFileAsync(Path.Combine(origin, name), folder, cancellationToken);
            return Sets(files, origin);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new DatasetException($"{origin} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Refuses any other file than the archive.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="origin">Where it comes from, for messages.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DatasetException">It is another file.</exception>
    public async Task VerifyAsync(string path, string origin, CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(path);
        if (file.Length != ArchiveBytes)
            throw new DatasetException($"{origin} is not CIFAR-10's {Archive}: it has {file.Length:N0} bytes where {ArchiveBytes:N0} are expected.");
        var hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken));
        if (hash != ArchiveSha256)
            throw new DatasetException($"{origin} is not CIFAR-10's {Archive}: its SHA-256 is {hash} where {ArchiveSha256} is expected.");
    }

    private async Task<Dictionary<string, byte[]>> ExtractAsync(string archive, CancellationToken cancellationToken)
    {
        var wanted = TrainNames.Append(TestName).ToDictionary(name => $"{Folder}/{name}", StringComparer.Ordinal);
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        await using var file = File.OpenRead(archive);
        await using var unzipped = new GZipStream(file, CompressionMode.Decompress);
        await using var tar = new TarReader(unzipped);
        while (files.Count < wanted.Count && await tar.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
        {
            if (entry.DataStream is { } data && wanted.TryGetValue(entry.Name, out var name))
                files[name] = await ReadAsync(data, entry.Length, $"{archive}/{entry.Name}", cancellationToken);
        }
        return files.Count == wanted.Count
            ? files
            : throw new DatasetException($"{archive} lacks {string.Join(", ", wanted.Where(w => !files.ContainsKey(w.Value)).Select(w => w.Key))}.");
    }

    private async Task<byte[]> ReadFileAsync(string path, string folder, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
            throw new DatasetException($"{path} is not there, nor is {Path.Combine(folder, Archive)}.");
        await using var file = File.OpenRead(path);
        return await ReadAsync(file, file.Length, path, cancellationToken);
    }

    private async Task<byte[]> ReadAsync(Stream stream, long length, string origin, CancellationToken cancellationToken)
    {
        var expected = (long)Records * RecordBytes;
        if (length != expected)
            throw new DatasetException($"{origin} has {length:N0} bytes where {expected:N0} are expected ({Records:N0} records of {RecordBytes:N0} bytes): it is cut, or another file.");
        var bytes = new byte[expected];
        await stream.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }

    private (LabeledImages Train, LabeledImages Test) Sets(Dictionary<string, byte[]> files, string origin) =>
        (Set([.. TrainNames.Select(name => (name, files[name]))], "training", origin), Set([(TestName, files[TestName])], "test", origin));

    private LabeledImages Set((string Name, byte[] Bytes)[] files, string what, string origin)
    {
        var count = files.Length * Records;
        var (images, labels) = (new byte[count * ImageBytes], new byte[count]);
        var perClass = new int[Classes];
        var at = 0;
        foreach (var (name, bytes) in files)
        {
            for (var record = 0; record < Records; record++, at++)
            {
                var label = labels[at] = bytes[record * RecordBytes];
                if (label >= Classes)
                    throw new DatasetException($"{name} of {origin} is damaged or another file: record {record:N0} has the label {label} where 0 to {Classes - 1} are possible.");
                perClass[label]++;
                bytes.AsSpan((record * RecordBytes) + 1, ImageBytes).CopyTo(images.AsSpan(at * ImageBytes));
            }
        }
        var other = Array.FindIndex(perClass, n => n != count / Classes);
        return other < 0
            ? new LabeledImages(new IdxFile([count, Channels, Side, Side], images), new IdxFile([count], labels))
            : throw new DatasetException($"{origin} is damaged or not CIFAR-10: of class {other} it has {perClass[other]:N0} {what} images where {count / Classes:N0} are expected.");
    }
}
