using System.Collections.Immutable;
using System.Runtime.InteropServices;
using MantaLight.Protocol;
using MantaLight.Tasks;
using MantaLight.Virtual;
using MantaLight.Weights;

namespace MantaLight.Cli.Data;

/// <summary>Images shared out over participants in memory: each one's samples are a view of one array, in which they lie one after the other.</summary>
internal static class MnistParticipants
{
    private const ulong TrainStream = 1;
    private const ulong TestStream = 2;

    /// <summary>Shares out, as <c>mantalight data prepare</c> does: who is named alike has the same samples in the same order.</summary>
    /// <param name="train">To train with.</param>
    /// <param name="test">To test with.</param>
    /// <param name="wanted">How.</param>
    /// <param name="samples">
    /// So many training samples for each instead, at least 1: one after the other from a random order, which begins anew where it ends; and test samples in the
    /// same way, as many as there are for each and at least 1.
    /// </param>
    /// <exception cref="InvalidSettingException">There are not enough samples.</exception>
    public static ImmutableArray<VirtualNode> Of(LabeledImages train, LabeledImages test, MnistPartitions wanted, int? samples = null)
    {
        Require(train, test, wanted, samples);
        var (trainRandom, testRandom) = (new SeededRandom(wanted.Seed, TrainStream), new SeededRandom(wanted.Seed, TestStream));
        var (isFull, tests) = (wanted.Test == TestShare.Full, test.Labels.Data.Length);
        var training = samples is { } each
            ? SharedSamples.Around("train", train, each, trainRandom)
            : SharedSamples.Of("train", train, Partitioner.Split(train.Labels.Data.Span, wanted.Nodes, wanted.Partition, trainRandom));
        var testing = isFull ? SharedSamples.Of("test", test, [[.. Enumerable.Range(0, tests)]])
            : samples is not null ? SharedSamples.Around("test", test, Math.Max(1, tests / wanted.Nodes), testRandom)
            : SharedSamples.Of("test", test, Partitioner.Split(test.Labels.Data.Span, wanted.Nodes, PartitionSpec.Iid, testRandom));
        return [.. Enumerable.Range(0, wanted.Nodes).Select(n => Node(n, training, testing, isFull ? 0 : n, wanted))];
    }

    private static VirtualNode Node(int number, SharedSamples training, SharedSamples testing, int test, MnistPartitions wanted) => new(
        MnistPartitions.NameOf(number),
        new InMemoryDataset(wanted.Dataset, ImageSkews.Of(() => new NamedArrays(training.ViewsOf(number).Concat(testing.ViewsOf(test))), number, wanted)),
        [new PresentDataset { Name = wanted.Dataset, Train = training.CountOf(number), Test = testing.CountOf(test) }]);

    private static void Require(LabeledImages train, LabeledImages test, MnistPartitions wanted, int? samples)
    {
        ImageSkews.Require(wanted);
        var (trains, tests) = (train.Labels.Data.Length, test.Labels.Data.Length);
        if (samples is { } each && wanted.Partition.Scheme is not PartitionScheme.Iid)
            throw new InvalidSettingException($"--samples {each} gives samples at random, and --partition {wanted.Partition} shares them out by their classes: take one of the two.");
        if (samples > trains)
            throw new InvalidSettingException($"--samples {samples:N0} is not possible: there are {trains:N0} training samples.");
        if (samples is null && wanted.Nodes > trains)
            throw new InvalidSettingException($"{trains:N0} training samples cannot be shared out over {wanted.Nodes:N0} participants; take fewer, or give each some with --samples N, of which several have the same.");
        if (samples is null && wanted.Test == TestShare.Split && wanted.Nodes > tests)
            throw new InvalidSettingException($"{tests:N0} test samples cannot be shared out over {wanted.Nodes:N0} participants; give each one all of them with --test full, or take fewer participants, or --samples N.");
    }

    /// <summary>Samples in the order of their owners.</summary>
    private sealed class SharedSamples
    {
        private readonly string name;
        private readonly byte[] images;
        private readonly byte[] labels;
        private readonly Func<int, (int First, int Count)> placeOf;
        private readonly long[] shape;
        private readonly int size;

        private SharedSamples(string name, LabeledImages from, int[] order, Func<int, (int First, int Count)> placeOf)
        {
            (this.name, this.placeOf, shape, size) = (name, placeOf, [.. from.ImageShape], from.ImageBytes);
            (images, labels) = (new byte[(long)order.Length * size], new byte[(long)order.Length * sizeof(long)]);
            var numbers = MemoryMarshal.Cast<byte, long>(labels.AsSpan());
            for (var at = 0; at < order.Length; at++)
            {
                from.Images.Data.Span.Slice(order[at] * size, size).CopyTo(images.AsSpan(at * size));
                numbers[at] = from.Labels.Data.Span[order[at]];
            }
        }

        /// <summary>Each owner's own.</summary>
        public static SharedSamples Of(string name, LabeledImages from, int[][] owners)
        {
            var starts = new int[owners.Length + 1];
            for (var o = 0; o < owners.Length; o++)
                starts[o + 1] = starts[o] + owners[o].Length;
            return new SharedSamples(name, from, [.. owners.SelectMany(o => o)], o => (starts[o], starts[o + 1] - starts[o]));
        }

        /// <summary>So many for each, around and around.</summary>
        public static SharedSamples Around(string name, LabeledImages from, int each, SeededRandom random)
        {
            int[] order = [.. Enumerable.Range(0, from.Labels.Data.Length)];
            random.Shuffle<int>(order);
            // The first ones once more behind the last, for those who begin near the end.
            return new SharedSamples(name, from, [.. order, .. order.Take(each - 1)], o => ((int)((long)o * each % order.Length), each));
        }

        public int CountOf(int owner) => placeOf(owner).Count;

        public IEnumerable<NamedArray> ViewsOf(int owner)
        {
            var (first, count) = placeOf(owner);
            yield return new NamedArray($"x_{name}", ArrayType.UInt8, [count, .. shape], images.AsMemory(first * size, count * size));
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
