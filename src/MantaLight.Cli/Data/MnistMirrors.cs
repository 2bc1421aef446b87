using System.Collections.Immutable;
using System.IO.Compression;

namespace MantaLight.Cli.Data;

/// <summary>Public HTTPS servers with the zipped files.</summary>
internal sealed class MnistMirrors(HttpMessageHandler handler, ImmutableArray<Uri> roots, TimeProvider time)
{
    /// <summary>No file of the set is larger when zipped.</summary>
    private const long MaximumZippedBytes = 64 * 1024 * 1024;

    /// <summary>How long a mirror may take to answer at all.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The known mirrors.</summary>
    public static ImmutableArray<Uri> Known { get; } =
    [
        new("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        new("https://storage.googleapis.com/cvdf-datasets/mnist/"),
    ];

    /// <summary>Downloads, verifies and unzips all files that the folder lacks.</summary>
    /// <exception cref="DatasetException">No mirror served them; the message names each with its reason.</exception>
    public Task DownloadAsync(MnistFiles files, string folder, IProgress<DownloadProgress> progress, CancellationToken cancellationToken) =>
        new Mirrors(handler, roots, time) { AnswerTimeout = AnswerTimeout }.UseFirstAsync(
            Zipped(files.TestLabels),
            async mirror =>
            {
                Directory.CreateDirectory(folder);
                foreach (var file in files.All)
                {
                    if (!await MnistFiles.IsStoredAsync(file, folder, cancellationToken))
                        await DownloadAsync(mirror, file, folder, progress, cancellationToken);
                }
            },
            cancellationToken);

    private static async Task DownloadAsync(Mirror mirror, MnistFile file, string folder, IProgress<DownloadProgress> progress, CancellationToken cancellationToken)
    {
        // Each mirror has its own beginning of a file: two may have zipped it differently.
        var part = Path.Combine(folder, $"{file.Name}.{mirror.Host}.gz.part");
        await mirror.FetchAsync(Zipped(file), part, $"{file.Name} from {mirror.Host}", MaximumZippedBytes, progress, cancellationToken);
        try
        {
            await using var zipped = File.OpenRead(part);
            await using var unzipped = new GZipStream(zipped, CompressionMode.Decompress);
            await MnistFiles.StoreAsync(unzipped, file, folder, mirror.UriOf(Zipped(file)).ToString(), cancellationToken);
        }
        finally
        {
            if (!cancellationToken.IsCancellationRequested)
                File.Delete(part);
        }
    }

    private static string Zipped(MnistFile file) => $"{file.Name}.gz";
}
