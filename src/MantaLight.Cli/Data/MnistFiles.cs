using System.Collections.Immutable;
using System.IO.Compression;
using System.Security.Cryptography;

namespace MantaLight.Cli.Data;

/// <summary>One of the four files.</summary>
/// <param name="Name">Its name, unzipped.</param>
/// <param name="Sha256">The hash of its unzipped bytes, in lower-case hexadecimal.</param>
internal sealed record MnistFile(string Name, string Sha256);

/// <summary>Images with their labels.</summary>
/// <param name="Images">n x rows x columns, or n x channels x rows x columns.</param>
/// <param name="Labels">n.</param>
internal sealed record LabeledImages(IdxFile Images, IdxFile Labels)
{
    /// <summary>The dimensions of one image.</summary>
    public IEnumerable<long> ImageShape => Images.Shape.Skip(1).Select(d => (long)d);

    /// <summary>The bytes of one image.</summary>
    public int ImageBytes => Images.Shape.Skip(1).Aggregate((a, b) => a * b);
}

/// <summary>A data set of four idx files, which are known by their hashes.</summary>
internal sealed record MnistFiles(MnistFile TrainImages, MnistFile TrainLabels, MnistFile TestImages, MnistFile TestLabels)
{
    /// <summary>Far above any file of the set, and a bound for what is unzipped.</summary>
    private const int MaximumBytes = 256 * 1024 * 1024;

    /// <summary>The 60,000 and 10,000 digits of LeCun, Cortes and Burges.</summary>
    public static MnistFiles Original { get; } = new(
        new("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        new("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        new("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        new("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"));

    /// <summary>The four.</summary>
    public ImmutableArray<MnistFile> All => [TrainImages, TrainLabels, TestImages, TestLabels];

    /// <summary>Reads and verifies the four files of a folder; each may be zipped (.gz) and written with a dot (<c>images.idx3</c>).</summary>
    /// <exception cref="DatasetException">One is not there or not the original.</exception>
    public async Task<(LabeledImages Train, LabeledImages Test)> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        var files = new List<IdxFile>();
        foreach (var file in All)
        {
            var path = Find(folder, file) ?? throw new DatasetException($"{Path.Combine(folder, file.Name)}[.gz] is not there.");
            try
            {
                await using var stream = Open(path);
                files.Add(IdxFile.Parse(await ReadVerifiedAsync(stream, file, path, cancellationToken), path));
            }
            catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                throw new DatasetException($"{path} cannot be read: {e.Message}", e);
            }
        }
        return (Pair(files[0], files[1]), Pair(files[2], files[3]));

        LabeledImages Pair(IdxFile images, IdxFile labels) => images.Shape.Length == 3 && labels.Shape.Length == 1 && images.Shape[0] == labels.Shape[0]
            ? new LabeledImages(images, labels)
            : throw new DatasetException($"The images and labels in {folder} do not belong together.");
    }

    /// <summary>Whether a folder has a file, unzipped and undamaged.</summary>
    public static async Task<bool> IsStoredAsync(MnistFile file, string folder, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, file.Name);
        if (!File.Exists(path))
            return false;
        await using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken)) == file.Sha256;
    }

    /// <summary>Puts a file into a folder, complete and verified or not at all.</summary>
    /// <param name="stream">Its unzipped bytes.</param>
    /// <param name="file">Which it should be.</param>
    /// <param name="folder">Where it goes.</param>
    /// <param name="origin">Where it comes from, for messages.</param>
    /// <param name="cancellationToken">Stops the copying.</param>
    /// <exception cref="DatasetException">It is another file.</exception>
    public static async Task StoreAsync(Stream stream, MnistFile file, string folder, string origin, CancellationToken cancellationToken)
    {
        var bytes = await ReadVerifiedAsync(stream, file, origin, cancellationToken);
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, file.Name);
        var unfinished = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            await File.WriteAllBytesAsync(unfinished, bytes, cancellationToken);
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static string? Find(string folder, MnistFile file) =>
        new[] { file.Name, file.Name.Replace("-idx", ".idx", StringComparison.Ordinal) }
            .SelectMany(name => new[] { name, $"{name}.gz" })
            .Select(name => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);

    private static Stream Open(string path)
    {
        var file = File.OpenRead(path);
        return path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
    }

    private static async Task<byte[]> ReadVerifiedAsync(Stream stream, MnistFile file, string origin, CancellationToken cancellationToken)
    {
        using var memory = new MemoryStream();
        var buffer = new byte[128 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            if (memory.Length + read > MaximumBytes)
                throw new DatasetException($"{origin} is larger than {MaximumBytes:N0} bytes, so it is not MNIST's {file.Name}.");
            memory.Write(buffer.AsSpan(0, read));
        }
        var bytes = memory.ToArray();
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return hash == file.Sha256
            ? bytes
            : throw new DatasetException($"{origin} is not MNIST's {file.Name}: its SHA-256 is {hash} where {file.Sha256} is expected.");
    }
}
