using MantaLight.Privacy;
using MantaLight.Weights;

namespace MantaLight.Tasks;

/// <summary>A source of the data sets that a node has. The files behind it are read where they are.</summary>
public interface IDatasetProvider
{
    /// <summary>The names under which tasks find data, in ordinal order.</summary>
    IReadOnlyCollection<string> Names { get; }

    /// <summary>The file or folder behind a name; null where the name is not mapped.</summary>
    string? Find(string dataset);

    /// <summary>The arrays of a data set that is in memory; null where it is in files. They may be used until the process ends.</summary>
    NamedArrays? InMemory(string dataset) => null;
}

/// <summary>What is the node's own. Of data only mapped data sets can be reached, and only by name.</summary>
public sealed class Local
{
    private readonly IDatasetProvider datasets;

    // What a byzantine participant makes of its data; null for honest ones.
    private readonly Func<NamedArray, NamedArray>? falsify;

    internal Local(IDatasetProvider datasets, IStateStore? state = null, Func<NamedArray, NamedArray>? falsify = null) =>
        (this.datasets, State, this.falsify) = (datasets, new LocalState(state), falsify);

    /// <summary>What this node keeps for itself from round to round.</summary>
    public LocalState State { get; }

    /// <summary>What has been spent of the privacy of these data in this swarm.</summary>
    public PrivacyBook Privacy { get; internal init; } = PrivacyBook.InMemory();

    /// <summary>The data sets that there are.</summary>
    public Task<IReadOnlyCollection<string>> ListAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(datasets.Names);
    }

    /// <summary>Whether a data set of that name is mapped and its file or folder is there.</summary>
    public Task<bool> ExistsAsync(string dataset, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (datasets.InMemory(dataset) is not null)
            return Task.FromResult(true);
        var path = datasets.Find(dataset);
        return Task.FromResult(path is not null && Path.Exists(path));
    }

    /// <summary>Opens the file of a data set, or one file inside a data set that is a folder.</summary>
    /// <param name="dataset">A mapped name.</param>
    /// <param name="file">The path inside the folder; null where the data set is a file.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="DatasetException">Not mapped, not there, or a path that leaves the folder.</exception>
    public Task<Stream> OpenAsync(string dataset, string? file, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<Stream>(File.OpenRead(PathOf(dataset, file)));
    }

    /// <inheritdoc cref="OpenAsync(string, string?, CancellationToken)"/>
    public Task<Stream> OpenAsync(string dataset, CancellationToken cancellationToken) => OpenAsync(dataset, null, cancellationToken);

    /// <summary>Reads the arrays of a data set: one .npz or .npy file, or the only such file of its folder.</summary>
    /// <exception cref="DatasetException">Not mapped, not there, or not such a file.</exception>
    public Task<NamedArrays> GetDataAsync(string dataset, CancellationToken cancellationToken) => GetDataAsync(dataset, isWanted: null, cancellationToken);

    /// <summary>Reads those arrays of a data set that are wanted: of a large file the others take neither time nor memory.</summary>
    /// <param name="dataset">A mapped name.</param>
    /// <param name="isWanted">Whether an array of that name is read; null for all.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="DatasetException">Not mapped, not there, or not such a file.</exception>
    public async Task<NamedArrays> GetDataAsync(string dataset, Predicate<string>? isWanted, CancellationToken cancellationToken)
    {
        var data = await ReadAsync(dataset, isWanted, cancellationToken);
        return falsify is null ? data : new NamedArrays(data.Select(falsify), owner: data);
    }

    private Task<NamedArrays> ReadAsync(string dataset, Predicate<string>? isWanted, CancellationToken cancellationToken)
    {
        if (datasets.InMemory(dataset) is { } arrays)
            return Task.FromResult(new NamedArrays(arrays.Where(a => isWanted?.Invoke(a.Name) != false)));
        var path = PathOf(dataset, null);
        if (Directory.Exists(path))
            path = OnlyArrayFileOf(dataset, path);
        return ArrayFile.ReadAsync(path, isWanted, cancellationToken);
    }

    private static string OnlyArrayFileOf(string dataset, string folder)
    {
        string[] files = [.. Directory.EnumerateFiles(folder).Where(ArrayFile.IsArrayFile).Order(StringComparer.Ordinal)];
        return files is [var only]
            ? only
            : throw new DatasetException(
                $"Data set '{dataset}' is the folder {folder} with {files.Length} .npz/.npy files; map the file that is meant: --dataset {dataset}={folder}/FILE.npz.");
    }

    private string PathOf(string dataset, string? file)
    {
        var root = datasets.Find(dataset) ?? throw new DatasetException(
            $"No data set is mapped as '{dataset}' on this node; mapped are: {(datasets.Names.Count == 0 ? "none" : string.Join(", ", datasets.Names))}. Map it with --dataset {dataset}=PATH.");
        root = Path.GetFullPath(root);
        var path = root;
        if (file is not null)
        {
            path = Path.GetFullPath(file, root);
            if (!path.StartsWith(root.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                throw new DatasetException($"'{file}' leaves the folder of data set '{dataset}'.");
        }
        if (!Path.Exists(path))
            throw new DatasetException($"Data set '{dataset}' is mapped to {path}, which is not there.");
        return path;
    }
}
