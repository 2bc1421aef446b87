using System.Collections.Immutable;

namespace MantaLight.Cli.Data;

/// <summary>Gets CIFAR-10 from wherever it can be had: a given folder, the cache, the mirrors.</summary>
internal sealed class CifarSources : IImageSources
{
    /// <summary>The data set's name.</summary>
    public const string Dataset = "cifar10";

    /// <summary>Which files to get.</summary>
    public CifarFiles Files { get; init; } = CifarFiles.Original;

    /// <summary>The folder that the user named; nothing else is tried then.</summary>
    public string? Source { get; init; }

    /// <summary>Where the archive is kept.</summary>
    public required string Cache { get; init; }

    /// <summary>The mirrors.</summary>
    public required Mirrors Mirrors { get; init; }

    /// <summary>The known mirrors, the authors' first.</summary>
    public static ImmutableArray<Uri> Known { get; } =
    [
        new("https://www.cs.toronto.edu/~kriz/"),
        new("https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/"),
    ];

    /// <summary>The sources of this machine.</summary>
    /// <param name="source">A folder with the archive or its files; null for none.</param>
    /// <param name="cache">The folder for downloads; null for the user's.</param>
    public static CifarSources Create(string? source, string? cache) => new()
    {
        Source = source,
        Cache = Path.Combine(cache ?? CacheFolder.Default(Environment.GetEnvironmentVariable), Dataset),
        Mirrors = new Mirrors(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(4) }, Known, TimeProvider.System),
    };

    /// <inheritdoc/>
    public async Task<(LabeledImages Train, LabeledImages Test)> GetAsync(IProgress<DownloadProgress> progress, CancellationToken cancellationToken)
    {
        if (Source is not null)
            return await Files.ReadAsync(Source, cancellationToken);
        var tried = new List<string>();
        foreach (var (name, download) in new (string, Func<Task>)[]
        {
            ($"cache {Cache}", () => Task.CompletedTask),
            ("mirrors", () => DownloadAsync(progress, cancellationToken)),
        })
        {
            try
            {
                await download();
                return await Files.ReadAsync(Cache, cancellationToken);
            }
            catch (DatasetException e)
            {
                tried.Add($"  - {name}: {e.Message}");
            }
        }
        throw new DatasetException(
            $"""
            CIFAR-10 is not to be had. Tried:
            {string.Join(Environment.NewLine, tried)}
            Put {CifarFiles.Archive} (or its {string.Join(", ", CifarFiles.TrainNames)} and {CifarFiles.TestName}) into {Cache}, or into another folder that --source names.
            """);
    }

    private Task DownloadAsync(IProgress<DownloadProgress> progress, CancellationToken cancellationToken) => Mirrors.UseFirstAsync(
        CifarFiles.Archive,
        async mirror =>
        {
            Directory.CreateDirectory(Cache);
            var archive = Path.Combine(Cache, CifarFiles.Archive);
            var part = $"{archive}.part"; // all mirrors have the same file, so each can go on with another's beginning
            await mirror.FetchAsync(CifarFiles.Archive, part, $"{CifarFiles.Archive} from {mirror.Host}", Files.ArchiveBytes, progress, cancellationToken);
            try
            {
                await Files.VerifyAsync(part, mirror.UriOf(CifarFiles.Archive).ToString(), cancellationToken);
            }
            catch (DatasetException)
            {
                File.Delete(part);
                throw;
            }
            File.Move(part, archive, overwrite: true);
        },
        cancellationToken);
}
