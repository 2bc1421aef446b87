using System.Collections.Immutable;
using System.Runtime.InteropServices;
using MantaLight.Protocol;
using MantaLight.Tasks;
using MantaLight.Virtual;
using MantaLight.Weights;

namespace MantaLight.Cli.Data;

/// <summary>MNIST shared out over participants in memory: each one's samples are a view of one array, in which they lie one after the other.</summary>
internal static class MnistParticipants
{
    private const ulong TrainStream = 1;
    private const ulong TestStream = 2;

    /// <summary>Shares out, as <c>mantalight data prepare</c> does: who is named alike has the same samples in the same order.</summary>
    public static ImmutableArray<VirtualNode> Of(LabeledImages train, LabeledImages test, MnistPartitions wanted)
    {
        var training = new Part("train", train, Partitioner.Split(train.Labels.Data.Span, wanted.Nodes, wanted.Partition, new SeededRandom(wanted.Seed, TrainStream)));
        var testing = wanted.Test == TestShare.Full
            ? new Part("test", test, [[.. Enumerable.Range(0, test.Labels.Data.Length)]])
            : new Part("test", test, Partitioner.Split(test.Labels.Data.Span, wanted.Nodes, new PartitionSpec.Iid(), new SeededRandom(wanted.Seed, TestStream)));
        var nodes = ImmutableArray.CreateBuilder<VirtualNode>(wanted.Nodes);
        for (var n = 0; n < wanted.Nodes; n++)
        {
            var (of, from) = (n, wanted.Test == TestShare.Full ? 0 : n);
            nodes.Add(new VirtualNode(
                MnistPartitions.NameOf(n),
                new InMemoryDataset(MnistPartitions.Dataset, () => new NamedArrays(training.ViewsOf(of).Concat(testing.ViewsOf(from)))),
                [new PresentDataset { Name = MnistPartitions.Dataset, Train = training.CountOf(of), Test = testing.CountOf(from) }]));
        }
        return nodes.MoveToImmutable();
    }

    /// <summary>Samples in the order of their owners.</summary>
    private sealed class Part
    {
        private readonly string name;
        private readonly byte[] images;
        private readonly byte[] labels;
        private readonly int[] starts;
        private readonly long rows;
        private readonly long columns;

        public Part(string name, LabeledImages from, int[][] owners)
        {
            this.name = name;
            (rows, columns) = (from.Images.Shape[1], from.Images.Shape[2]);
            var size = (int)(rows * columns);
            var count = owners.Sum(o => o.Length);
            (images, labels, starts) = (new byte[(long)count * size], new byte[(long)count * sizeof(long)], new int[owners.Length + 1]);
            var numbers = MemoryMarshal.Cast<byte, long>(labels.AsSpan());
            var at = 0;
            for (var o = 0; o < owners.Length; o++)
            {
                starts[o] = at;
                foreach (var sample in owners[o])
                {
                    from.Images.Data.Span.Slice(sample * size, size).CopyTo(images.AsSpan(at * size));
                    numbers[at++] = from.Labels.Data.Span[sample];
                }
            }
            starts[^1] = at;
        }

        public int CountOf(int owner) => starts[owner + 1] - starts[owner];

        public IEnumerable<NamedArray> ViewsOf(int owner)
        {
            var (first, count, size) = (starts[owner], CountOf(owner), (int)(rows * columns));
            yield return new NamedArray($"x_{name}", ArrayType.UInt8, [count, rows, columns], images.AsMemory(first * size, count * size));
            yield return new NamedArray($"y_{name}", ArrayType.Int64, [count], labels.AsMemory(first * sizeof(long), count * sizeof(long)));
        }
    }
}

/// <summary>One data set that lies in memory.</summary>
internal sealed class InMemoryDataset(string name, Func<NamedArrays> arrays) : IDatasetProvider
{
    public IReadOnlyCollection<string> Names => [name];

    public string? Find(string dataset) => null;

    public NamedArrays? InMemory(string dataset) => dataset == name ? arrays() : null;
}
