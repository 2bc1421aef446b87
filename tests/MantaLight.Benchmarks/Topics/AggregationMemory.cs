using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using MantaLight.Benchmarks.Report;
using MantaLight.Blobs;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Weights;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The most memory that FedAvg has in a process of its own, over contributions in files, as a node has pulled them.</summary>
internal static class AggregationMemory
{
    /// <summary>Contributions that differ: more participants than that have the same files once more.</summary>
    private const int Distinct = 4;

    /// <summary>The rows, without the topic's name.</summary>
    public static IReadOnlyList<string> Rows { get; } = ["memory_10", "memory_100", "memory_1000", "memory_100_million", "memory_100_million_at_once"];

    public static IEnumerable<Row> Measure()
    {
        foreach (var participants in new[] { 10, 100, 1000 })
        {
            var (before, peak) = Aggregate(10_000_000, participants, isHere: false);
            yield return Of($"aggregation.memory_{participants}", (double)(peak - before) / (10_000_000 * sizeof(float)), 3,
                "at most 3, whatever the number", $"What the process grew by at most for the mean of {participants} models of 40 MB, as they arrive.");
        }
        var whole = Aggregate(100_000_000, 10, isHere: false).Peak / 400e6;
        yield return Of("aggregation.memory_100_million", whole, 2.5, "at most 2.5", "The whole process, for the mean of 10 models of 400 MB, as they arrive; the new global is written and hashed.");
        whole = Aggregate(100_000_000, 10, isHere: true).Peak / 400e6;
        yield return Of("aggregation.memory_100_million_at_once", whole, 2.5, "at most 2.5", "The same, where all are there.");
    }

    private static Row Of(string name, double models, double most, string target, string note) =>
        new Row { Name = name, Value = models, Unit = "models", Target = target, Note = note }
            .AtMost(models, most, "the sums are in float64, two models, in whose memory the mean is made (one model where all are there); buffers, and what is still to be collected, come on top.");

    private static (long Before, long Peak) Aggregate(int parameters, int participants, bool isHere)
    {
        var folder = Directory.CreateTempSubdirectory("mantalight-aggregate-").FullName;
        try
        {
            var store = new BlobStore(new FileDisk(folder));
            var blobs = Enumerable.Range(0, Distinct).Select(seed => Write(store, parameters, seed)).Select(b => $"{b.Sha256}/{b.Size}").ToArray();
            var figures = WholeProcess.Benchmarks("aggregate", folder, participants.ToString(CultureInfo.InvariantCulture), isHere ? "here" : "arriving", string.Join(',', blobs))
                .Split(' ').Select(f => long.Parse(f, CultureInfo.InvariantCulture)).ToArray();
            return (figures[0], figures[1]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static BlobRef Write(BlobStore store, int parameters, int seed)
    {
        var values = new float[parameters];
        var random = new Random(seed);
        foreach (ref var value in values.AsSpan())
            value = random.NextSingle() - 0.5f;
        using var memory = new Floats(values);
        using var model = new NamedArrays([new NamedArray("w", ArrayType.Float32, [parameters], memory.Memory)]);
        return store.Write(WeightsCodec.Encode(model), 256 << 10, ValueFormat.Weights);
    }

    /// <summary>Floats as bytes, where they lie.</summary>
    private sealed class Floats(float[] values) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(values.AsSpan());

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
