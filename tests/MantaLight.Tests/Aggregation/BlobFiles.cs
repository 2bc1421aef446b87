using System.Buffers;
using MantaLight.Blobs;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Weights;
using MantaLight.Weights.Packing;
using MantaLight.Weights.Sources;

namespace MantaLight.Tests.Aggregation;

/// <summary>Weights as a node keeps what it has pulled: a file for each, in a folder that is gone afterwards.</summary>
internal sealed class BlobFiles : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-blobs-").FullName;
    private readonly BlobStore store;

    public BlobFiles() => store = new BlobStore(new FileDisk(folder));

    public WeightsSource Open(NamedArrays weights) => Open(store.Write(WeightsCodec.Encode(weights), 256 << 10, ValueFormat.Weights));

    public WeightsSource Open(BlobRef blob)
    {
        using var mapped = store.Map(blob);
        return WeightsFile.Open(store.TryOpen(blob.Sha256)!, mapped.Content);
    }

    /// <summary>Unpacks as an aggregator that reads many together.</summary>
    public WeightsSource Unpack(NamedArrays packed, DeltaBase? reference) => WeightsFile.Unpack(store.Scratch(), packed, reference);

    /// <summary>How many files there are, with those that have no name yet.</summary>
    public int Count => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Count();

    /// <summary>Opens weights whose file has become shorter since its headers were read, as on no disk that is well.</summary>
    public WeightsSource OpenCut(NamedArrays weights, int bytes)
    {
        var content = WeightsCodec.Encode(weights);
        var disk = new FileDisk(folder);
        disk.Write("blobs/cut", content.Slice(0, content.Length - bytes).ToArray(), MantaLight.Storage.Flush.First);
        return WeightsFile.Open(disk.Open("blobs/cut")!, content);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
