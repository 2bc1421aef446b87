using System.Runtime.CompilerServices;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Swarms;
using MantaLight.Weights;

namespace MantaLight.Cli.Doctor;

/// <summary>Whether data sets are there and can be read.</summary>
internal sealed class DataCheck(DoctorSettings settings)
{
    private const string Area = "data";

    // Larger files are believed by their headers: a check must not need the memory of a training.
    private const long MostRead = 1L << 30;

    public async IAsyncEnumerable<Finding> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (name, path) in settings.Datasets)
            yield return await OfAsync(name, Path.GetFullPath(path), cancellationToken);
        if (settings.Data is { } folder)
        {
            var found = Below(Path.GetFullPath(folder)).ToArray();
            if (found.Length == 0)
                yield return Finding.Problem(Area, folder, $"{Path.GetFullPath(folder)} has no data set", "Expected is DATASET/NODE/DATASET.npz, as `mantalight data prepare` writes it.");
            foreach (var (name, path) in found)
                yield return await OfAsync(name, path, cancellationToken);
        }
        foreach (var missing in await MissingAsync(cancellationToken))
            yield return missing;
    }

    /// <summary>Files as a run looks for them.</summary>
    private static IEnumerable<(string Name, string Path)> Below(string folder) => !Directory.Exists(folder) ? [] :
        from dataset in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)
        from node in Directory.EnumerateDirectories(dataset).Order(StringComparer.Ordinal)
        let file = Path.Combine(node, $"{Path.GetFileName(dataset)}.npz")
        where File.Exists(file)
        select ($"{Path.GetFileName(dataset)} of {Path.GetFileName(node)}", file);

    private static async Task<Finding> OfAsync(string name, string path, CancellationToken cancellationToken)
    {
        if (Directory.Exists(path))
        {
            var files = Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Count();
            return files > 0
                ? Finding.Ok(Area, name, $"{path} is a folder with {files} files")
                : Finding.Warning(Area, name, $"{path} is an empty folder", "Put its files there, or map another with --dataset.");
        }
        if (!File.Exists(path))
            return Finding.Problem(Area, name, $"{path} is not there", "Map it where it is (--dataset NAME=PATH), or make it: mantalight data prepare mnist.");
        if (!ArrayFile.IsArrayFile(path))
            return Finding.Ok(Area, name, $"{path} has {Texts.Bytes(new FileInfo(path).Length)}; only arrays (.npz, .npy) are looked into");
        try
        {
            return await ArraysAsync(name, path, cancellationToken);
        }
        catch (DatasetException e)
        {
            return Finding.Problem(Area, name, e.Message, Remedies.Of(e));
        }
    }

    private static async Task<Finding> ArraysAsync(string name, string path, CancellationToken cancellationToken)
    {
        var headers = await ArrayFile.ReadHeadersAsync(path, cancellationToken);
        var text = $"{path}: {string.Join(", ", headers.Take(8).Select(h => $"{h.Name} {h.Type.WireName()} [{string.Join(", ", h.Shape)}]"))}{(headers.Length > 8 ? ", …" : "")}";
        foreach (var part in (string[])["train", "test"])
        {
            if (headers.FirstOrDefault(h => h.Name == $"x_{part}") is { } x && headers.FirstOrDefault(h => h.Name == $"y_{part}") is { } y && x.Samples != y.Samples)
                return Finding.Problem(Area, name, text, $"x_{part} has {x.Samples} samples and y_{part} {y.Samples}: make them equal.");
        }
        if (headers.IsEmpty || headers.Any(h => h.Shape.Contains(0)))
            return Finding.Warning(Area, name, text, "It has no arrays, or empty ones; training on it fails.");
        if (new FileInfo(path).Length > MostRead)
            return Finding.Ok(Area, name, $"{text} (only the headers were read, as it is large)");
        // To the last byte: checksums are looked at on the way.
        using var arrays = await ArrayFile.ReadAsync(path, cancellationToken);
        return arrays.FirstOrDefault(a => a.FirstNonFinite() is not null) is { } odd
            ? Finding.Warning(Area, name, text, $"{odd.Name} has NaN or infinities, and training on them diverges: clean it.")
            : Finding.Ok(Area, name, text);
    }

    /// <summary>Data sets that the target's tasks ask for, and that were not given.</summary>
    private async Task<IReadOnlyList<Finding>> MissingAsync(CancellationToken cancellationToken)
    {
        // Who has given none is not about to run a node; it may be the broker alone that is looked at.
        if (settings.Target is not { } target || settings.Datasets.IsEmpty)
            return [];
        SwarmDefinition definition;
        try
        {
            definition = await SwarmSource.Find(target).ReadAsync(new DefinitionChanges([]), cancellationToken);
        }
        catch (MantaLightException)
        {
            // The definition's own check has told of it.
            return [];
        }
        var mapped = settings.Datasets.Select(d => d.Key).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. definition.Tasks.SelectMany(t => t.Datasets.Select(d => (Task: t.Alias, Dataset: d))).Where(d => !mapped.Contains(d.Dataset)).DistinctBy(d => d.Dataset)
                .Select(d => Finding.Problem(Area, d.Dataset, $"task '{d.Task}' asks for it, and it is not mapped", $"Map it: --dataset {d.Dataset}=PATH")),
        ];
    }
}
