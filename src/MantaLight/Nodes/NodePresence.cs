using System.Collections.Immutable;
using System.Runtime.InteropServices;
using MantaLight.Protocol;
using MantaLight.SecureAggregation;
using MantaLight.Weights.Packing;
using MantaLight.Weights;

namespace MantaLight.Nodes;

/// <summary>What a node tells about itself: names and sizes, never data.</summary>
internal static class NodePresence
{
    public static async Task<Presence> DescribeAsync(NodeSettings settings, DateTimeOffset started, CancellationToken cancellationToken)
    {
        var datasets = ImmutableArray.CreateBuilder<PresentDataset>();
        foreach (var name in settings.Datasets.Names)
            datasets.Add(await DescribeAsync(name, settings.Datasets.Find(name), cancellationToken));
        return new Presence
        {
            Status = NodeStatus.Online,
            Started = started,
            Datasets = datasets.ToImmutable(),
            Modules = [.. settings.Modules.Keys],
            Codecs = [.. PackingPlan.Known, SecureOptions.Capability],
            Tags = settings.Tags,
            Concurrency = settings.Concurrency,
            Resources = new NodeResources
            {
                Cores = Environment.ProcessorCount,
                MemoryMib = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20,
                Gpu = settings.Gpu,
                Platform = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}",
            },
        };
    }

    private static async Task<PresentDataset> DescribeAsync(string name, string? path, CancellationToken cancellationToken)
    {
        if (path is null || !Path.Exists(path))
            return new PresentDataset { Name = name, Problem = "its file or folder is not there" };
        if (!File.Exists(path) || !ArrayFile.IsArrayFile(path))
            return new PresentDataset { Name = name };
        try
        {
            var headers = await ArrayFile.ReadHeadersAsync(path, cancellationToken);
            return new PresentDataset { Name = name, Train = Samples(headers, "y_train"), Test = Samples(headers, "y_test") };
        }
        catch (DatasetException)
        {
            return new PresentDataset { Name = name, Problem = "its file cannot be read" };
        }
    }

    private static long? Samples(IEnumerable<ArrayHeader> headers, string name) =>
        headers.FirstOrDefault(h => h.Name == name)?.Samples;
}
