using MantaLight.Protocol;
using MantaLight.Tasks;

namespace MantaLight.Node;

/// <summary>Data sets mapped to files and folders.</summary>
public sealed class MappedDatasets : IDatasetProvider
{
    private readonly SortedDictionary<string, string> paths = new(StringComparer.Ordinal);

    /// <summary>Maps names to paths.</summary>
    /// <exception cref="InvalidSettingException">A name is not an id.</exception>
    public MappedDatasets(IEnumerable<KeyValuePair<string, string>> mapping)
    {
        foreach (var (name, path) in mapping)
            paths[Identifier.Require(name, "Data set")] = Path.GetFullPath(path);
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names => paths.Keys;

    /// <inheritdoc/>
    public string? Find(string dataset) => paths.GetValueOrDefault(dataset);
}
