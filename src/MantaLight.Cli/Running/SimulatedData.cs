using System.Collections.Immutable;
using MantaLight.Cli.Data;
using MantaLight.Node;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Virtual;

namespace MantaLight.Cli.Running;

/// <summary>The participants of a simulation, with their data: a known data set in memory, or a folder of any data sets.</summary>
internal static class SimulatedData
{
    /// <summary>Finds the data and shares them out.</summary>
    /// <exception cref="DatasetException">Data are not to be had.</exception>
    /// <exception cref="InvalidSettingException">They cannot be shared out like that.</exception>
    public static async Task<ImmutableArray<VirtualNode>> ParticipantsAsync(SimulationSettings settings, SwarmDefinition definition, CliConsole console, CancellationToken cancellationToken)
    {
        var needed = Needed(definition);
        if (settings.Data is { } folder)
            return [.. Enumerable.Range(0, settings.Participants).Select(n => InFolder(MnistPartitions.NameOf(n), Path.GetFullPath(folder), needed))];
        if (needed.FirstOrDefault(d => !KnownDatasets.Has(d)) is { } other)
            throw new InvalidSettingException($"The definition asks for data set '{other}', and {string.Join(" and ", KnownDatasets.Names)} alone are shared out here. Say with --data DIR where the participants' data are, as DIR/{other}/{MnistPartitions.NameOf(0)}/{other}.npz.");
        if (needed.Length == 0)
            return [.. Enumerable.Range(0, settings.Participants).Select(n => new VirtualNode(MnistPartitions.NameOf(n), new MappedDatasets([]), []))];
        if (needed.Length > 1)
            throw new InvalidSettingException($"The definition asks for the data sets {string.Join(" and ", needed)}, and one alone is shared out here. Say with --data DIR where the participants' data are, as DIR/{needed[0]}/{MnistPartitions.NameOf(0)}/{needed[0]}.npz.");
        var (train, test) = await DownloadView.ShowAsync(console, progress => KnownDatasets.SourcesOf(needed[0], null, null).GetAsync(progress, cancellationToken));
        var wanted = new MnistPartitions { Dataset = needed[0], Nodes = settings.Participants, Partition = settings.Partition, Seed = definition.Seed, Test = settings.Test };
        return MnistParticipants.Of(train, test, wanted, settings.Samples);
    }

    /// <summary>The data sets that the definition's tasks ask for.</summary>
    public static string[] Needed(SwarmDefinition definition) => [.. definition.Tasks.Prepend(definition.Setup).OfType<TaskDefinition>().SelectMany(t => t.Datasets).Distinct(StringComparer.Ordinal)];

    private static VirtualNode InFolder(string node, string folder, string[] datasets) => new(
        node,
        new MappedDatasets(datasets.Select(d => KeyValuePair.Create(d, RunData.Find(folder, d, node)))),
        [.. datasets.Select(d => new PresentDataset { Name = d })]);
}
