using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Cli.Data;
using MantaLight.Swarms;

namespace MantaLight.Cli.Running;

/// <summary>Finds the data that a run's nodes need, and makes partitions of the known data sets where they are missing.</summary>
internal static class RunData
{
    private static readonly string Usual = Path.Combine("temp", "partitioned");

    /// <summary>Each data set's path on each node.</summary>
    /// <exception cref="DatasetException">Data are not to be had; the message says where they were looked for.</exception>
    public static async Task<ImmutableArray<ImmutableSortedDictionary<string, string>>> EnsureAsync(
        RunSettings settings, SwarmDefinition definition, CliConsole console, CancellationToken cancellationToken)
    {
        var needed = definition.Tasks.Prepend(definition.Setup).OfType<TaskDefinition>()
            .SelectMany(t => t.Datasets).Distinct(StringComparer.Ordinal).ToArray();
        var folder = Path.GetFullPath(settings.Data ?? Usual);
        var prepared = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var dataset in needed.Where(KnownDatasets.Has))
        {
            if (settings.Data is null || !IsThere(folder, dataset, settings))
                prepared[dataset] = await PrepareAsync(folder, dataset, settings, definition.Seed, console, cancellationToken);
        }
        return
        [
            .. settings.NodeIds.Select(node => needed.ToImmutableSortedDictionary(
                name => name,
                name => Find(prepared.GetValueOrDefault(name, folder), name, node),
                StringComparer.Ordinal)),
        ];
    }

    private static bool IsThere(string folder, string dataset, RunSettings settings)
    {
        var given = new MnistPartitions { Dataset = dataset, Nodes = settings.Nodes, Output = folder };
        return settings.NodeIds.All(node => File.Exists(given.FileOf(node)));
    }

    private static async Task<string> PrepareAsync(
        string folder, string dataset, RunSettings settings, ulong seed, CliConsole console, CancellationToken cancellationToken)
    {
        // A folder for each way to share out, so that runs do not take each other's data away.
        var key = string.Create(CultureInfo.InvariantCulture,
            $"{settings.Nodes}-{settings.Partition.ToString()!.Replace(':', '-')}-{seed}-{(settings.Test == TestShare.Full ? "full" : "split")}");
        var wanted = new MnistPartitions
        {
            Dataset = dataset,
            Nodes = settings.Nodes,
            Partition = settings.Partition,
            Seed = seed,
            Test = settings.Test,
            Output = Path.Combine(folder, key),
        };
        var (_, made) = await DownloadView.ShowAsync(
            console, progress => MnistPreparation.EnsureAsync(wanted, KnownDatasets.SourcesOf(dataset, null, null), progress, cancellationToken));
        if (made)
            console.Out.WriteLine($"Prepared: {wanted.Folder}");
        return wanted.Output;
    }

    /// <summary>The file or folder of a node's data set.</summary>
    /// <exception cref="DatasetException">It is not there.</exception>
    public static string Find(string folder, string dataset, string node)
    {
        var own = Path.Combine(folder, dataset, node);
        string[] candidates = [Path.Combine(own, $"{dataset}.npz"), Path.Combine(own, $"{dataset}.npy"), Path.Combine(own, $"{dataset}.csv"), own];
        return candidates.FirstOrDefault(Path.Exists)
            ?? throw new DatasetException($"Data set '{dataset}' of {node} is not there: looked for {string.Join(" and ", candidates)}. Put it there, or name another folder with --data.");
    }
}
