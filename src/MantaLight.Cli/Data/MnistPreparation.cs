using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Cli.Data;

/// <summary>What partitions are wanted, and where.</summary>
internal sealed record MnistPartitions
{
    /// <summary>The most nodes: beyond, parts are too small to learn from.</summary>
    public const int MaximumNodes = 2_000;

    /// <summary>MNIST's name.</summary>
    public const string Mnist = "mnist";

    /// <summary>The data set's name: of the folder below <see cref="Output"/> and of each node's file. One of <see cref="KnownDatasets.Names"/>.</summary>
    public string Dataset { get; init; } = Mnist;

    /// <summary>The number of nodes, 1 to <see cref="MaximumNodes"/>.</summary>
    public required int Nodes { get; init; }

    /// <summary>How training samples are shared out.</summary>
    public PartitionSpec Partition { get; init; } = PartitionSpec.Iid;

    /// <summary>Where all choices come from.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Who gets which test samples.</summary>
    public TestShare Test { get; init; } = TestShare.Split;

    /// <summary>The folder that gets <c>mnist/node_{i}/mnist.npz</c>, or the same of another data set.</summary>
    public string Output { get; init; } = Path.Combine("temp", "partitioned");

    /// <summary>The folder of the data set.</summary>
    public string Folder => Path.Combine(Path.GetFullPath(Output), Dataset);

    /// <summary>The file of a node.</summary>
    public string FileOf(int node) => FileOf(NameOf(node));

    /// <summary>The file of a node.</summary>
    public string FileOf(string node) => Path.Combine(Folder, node, $"{Dataset}.npz");

    /// <summary>The id of a node.</summary>
    public static string NameOf(int node) => $"node_{node}";
}

/// <summary>Writes one .npz file per node with <c>x_train</c>, <c>y_train</c>, <c>x_test</c> and <c>y_test</c>.</summary>
internal static class MnistPreparation
{
    private const ulong TrainStream = 1;
    private const ulong TestStream = 2;

    /// <summary>Makes the partitions unless the wanted ones are there.</summary>
    /// <returns>What is there now, and whether it was made just now.</returns>
    /// <exception cref="DatasetException">The data set is not to be had, or the output cannot be written.</exception>
    /// <exception cref="InvalidSettingException">So many nodes or such a partition cannot be.</exception>
    public static async Task<(PartitionManifest Manifest, bool Made)> EnsureAsync(
        MnistPartitions wanted, IImageSources sources, IProgress<DownloadProgress> progress, CancellationToken cancellationToken)
    {
        if (wanted.Nodes is < 1 or > MnistPartitions.MaximumNodes)
            throw new InvalidSettingException($"{wanted.Nodes} nodes are not possible; 1 to {MnistPartitions.MaximumNodes:N0} are.");
        var existing = await PartitionManifest.TryReadAsync(wanted.Folder, cancellationToken);
        if (existing is not null && await MatchesAsync(existing, wanted, cancellationToken))
            return (existing, false);
        var (train, test) = await sources.GetAsync(progress, cancellationToken);
        try
        {
            return (await MakeAsync(wanted, existing, train, test, cancellationToken), true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"{wanted.Folder} cannot be written: {e.Message}", e);
        }
    }

    private static async Task<PartitionManifest> MakeAsync(
        MnistPartitions wanted, PartitionManifest? existing, LabeledImages train, LabeledImages test, CancellationToken cancellationToken)
    {
        ImageSkews.Require(wanted);
        var trainParts = Partitioner.Split(train.Labels.Data.Span, wanted.Nodes, wanted.Partition, new SeededRandom(wanted.Seed, TrainStream));
        var testParts = wanted.Test == TestShare.Full
            ? [.. Enumerable.Repeat(Enumerable.Range(0, test.Labels.Data.Length).ToArray(), wanted.Nodes)]
            : Partitioner.Split(test.Labels.Data.Span, wanted.Nodes, PartitionSpec.Iid, new SeededRandom(wanted.Seed, TestStream));
        RemoveOld(wanted, existing);
        var parts = new PartitionOfNode[wanted.Nodes];
        for (var n = 0; n < wanted.Nodes; n++)
        {
            NamedArray[] arrays =
            [
                ImageSkews.Train(Images("x_train", train, trainParts[n]), n, wanted), Labels("y_train", train, trainParts[n]),
                ImageSkews.Test(Images("x_test", test, testParts[n]), n, wanted), Labels("y_test", test, testParts[n]),
            ];
            await ArrayFile.WriteNpzAsync(wanted.FileOf(n), arrays, compress: false, cancellationToken);
            parts[n] = new PartitionOfNode(MnistPartitions.NameOf(n), trainParts[n].Length, testParts[n].Length, [.. Histogram(train, trainParts[n])]);
        }
        var manifest = new PartitionManifest
        {
            Format = PartitionManifest.CurrentFormat,
            Dataset = wanted.Dataset,
            Partition = wanted.Partition.ToString(),
            Seed = wanted.Seed,
            Test = wanted.Test,
            Nodes = [.. parts],
        };
        await manifest.WriteAsync(wanted.Folder, cancellationToken); // last: it vouches for the files
        return manifest;
    }

    private static async Task<bool> MatchesAsync(PartitionManifest manifest, MnistPartitions wanted, CancellationToken cancellationToken)
    {
        if (manifest.Partition != wanted.Partition.ToString() || manifest.Seed != wanted.Seed || manifest.Test != wanted.Test
            || !manifest.Nodes.Select(n => n.Node).SequenceEqual(Enumerable.Range(0, wanted.Nodes).Select(MnistPartitions.NameOf)))
            return false;
        foreach (var part in manifest.Nodes)
        {
            try
            {
                var headers = await ArrayFile.ReadHeadersAsync(wanted.FileOf(part.Node), cancellationToken);
                if (!headers.Select(h => (h.Name, h.Samples)).SequenceEqual(
                    [("x_train", part.Train), ("y_train", part.Train), ("x_test", part.Test), ("y_test", part.Test)]))
                    return false;
            }
            catch (DatasetException)
            {
                return false; // missing or damaged: made again
            }
        }
        return true;
    }

    /// <summary>The files of an earlier preparation for more nodes would be taken for parts of this one.</summary>
    private static void RemoveOld(MnistPartitions wanted, PartitionManifest? existing)
    {
        PartitionManifest.Remove(wanted.Folder);
        for (var n = wanted.Nodes; n < existing?.Nodes.Length; n++)
        {
            if (File.Exists(wanted.FileOf(n)))
                File.Delete(wanted.FileOf(n));
            var folder = Path.GetDirectoryName(wanted.FileOf(n))!;
            if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
        }
    }

    private static NamedArray Images(string name, LabeledImages from, int[] samples)
    {
        var size = from.ImageBytes;
        var pixels = new byte[(long)samples.Length * size];
        for (var i = 0; i < samples.Length; i++)
            from.Images.Data.Span.Slice(samples[i] * size, size).CopyTo(pixels.AsSpan(i * size));
        return new NamedArray(name, ArrayType.UInt8, [samples.Length, .. from.ImageShape], pixels);
    }

    /// <summary>As 64-bit integers, which is what loss functions take.</summary>
    private static NamedArray Labels(string name, LabeledImages from, int[] samples)
    {
        long[] labels = [.. samples.Select(s => (long)from.Labels.Data.Span[s])];
        return new NamedArray(name, ArrayType.Int64, [samples.Length], MemoryMarshal.AsBytes(labels.AsSpan()).ToArray());
    }

    private static int[] Histogram(LabeledImages from, int[] samples)
    {
        var labels = from.Labels.Data.ToArray();
        var counts = new int[labels.Max() + 1];
        foreach (var sample in samples)
            counts[labels[sample]]++;
        return counts;
    }
}
