using MantaLight.Torch.Tests.Support;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

public class DataLoaderTests
{
    [Fact]
    public void Without_a_seed_batches_come_in_the_files_order_and_scaled()
    {
        using var arrays = TinyData.Arrays();
        using var loader = new DataLoader(TensorDataset.From(arrays, "tiny", train: false), 16);

        var (counts, pixels, labels) = Read(loader);

        Assert.Equal([16, 16, 16, 12], counts);
        Assert.Equal(arrays["x_test"].Data.ToArray().Select(b => b / 255f), pixels);
        Assert.Equal(arrays["y_test"].Data.ToArray().Select(b => (long)b), labels);
        Assert.Equal(4, loader.Batches);
    }

    [Fact]
    public void An_epoch_has_each_sample_once_with_its_own_label()
    {
        using var arrays = TinyData.Arrays();
        using var loader = new DataLoader(TensorDataset.From(arrays, "tiny", train: true), 32, seed: 1);

        for (var epoch = 0; epoch < 2; epoch++)
        {
            var (_, pixels, labels) = Read(loader);

            Assert.Equal(
                Samples(arrays["x_train"].Data.ToArray().Select(b => b / 255f), arrays["y_train"].Data.ToArray().Select(b => (long)b)),
                Samples(pixels, labels));
        }
    }

    [Fact]
    public void Epochs_repeat_by_seed_differ_from_each_other_and_do_not_touch_the_default_generator()
    {
        using var arrays = TinyData.Arrays();
        using var one = new DataLoader(TensorDataset.From(arrays, "tiny", train: true), 32, seed: 1);
        using var two = new DataLoader(TensorDataset.From(arrays, "tiny", train: true), 32, seed: 1);
        using var other = new DataLoader(TensorDataset.From(arrays, "tiny", train: true), 32, seed: 2);
        manual_seed(9);
        using var expected = rand(4);
        manual_seed(9);

        long[] first = Read(one).Labels, second = Read(one).Labels;

        using var drawn = rand(4);
        Assert.Equal(expected.data<float>().ToArray(), drawn.data<float>().ToArray());
        Assert.Equal(first, Read(two).Labels);
        Assert.Equal(second, Read(two).Labels);
        Assert.NotEqual(first, second);
        Assert.NotEqual(first, Read(other).Labels);
    }

    [Fact]
    public void Floats_come_as_they_are_and_whole_numbers_of_any_width_are_classes()
    {
        float[] values = [0.5f, -1, 2, 3];
        using var arrays = new NamedArrays(
            [
                new NamedArray("x_train", ArrayType.Float32, [2, 2], System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray()),
                new NamedArray("y_train", ArrayType.Int32, [2], new byte[] { 7, 0, 0, 0, 1, 1, 0, 0 }),
            ]);
        using var loader = new DataLoader(TensorDataset.From(arrays, "x", train: true), 5);

        var (_, pixels, labels) = Read(loader);

        Assert.Equal(values, pixels);
        Assert.Equal([7, 257], labels);
    }

    [Theory]
    [InlineData(ScalarType.Byte, 1UL)]
    [InlineData(ScalarType.Float32, 1UL)]
    [InlineData(ScalarType.Byte, null)]
    [InlineData(ScalarType.Float32, null)]
    public void Batches_are_views_that_are_made_once_and_an_epoch_allocates_no_managed_memory_for_each_batch(ScalarType type, ulong? seed)
    {
        // More than a block, the last batch not full.
        const int Count = 4000, Batch = 8;
        using var loader = new DataLoader(new TensorDataset(ones(Count - 3, 1000, type), zeros(Count - 3, ScalarType.Int64)), Batch, seed);
        HashSet<nint> Handles() => [.. loader.Epoch().Select(b => b.Samples.Handle)];
        var first = Handles();
        Assert.Equal(first, Handles());
        Assert.Equal(seed is null && type == ScalarType.Float32 ? Count / Batch : (2 << 20) / (Batch * 1000 * 4) + 1, first.Count);

        var (before, batches) = (GC.GetAllocatedBytesForCurrentThread(), 0);
        foreach (var batch in loader.Epoch())
            batches += batch.Count > 0 ? 1 : 0;
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(loader.Batches, batches);
        // An enumerator, and the handles of a few tensors for each block.
        Assert.InRange(allocated, 0, 1024 + (2000 * loader.Batches / (first.Count - 1)));
    }

    [Fact]
    public void A_batch_that_its_reader_has_disposed_of_is_there_in_the_next_epoch()
    {
        using var loader = new DataLoader(new TensorDataset(arange(10, ScalarType.Float32), zeros(10, ScalarType.Int64)), 4, seed: 1);
        for (var epoch = 0; epoch < 2; epoch++)
        {
            var seen = new List<float>();
            foreach (var batch in loader.Epoch())
            {
                using var samples = batch.Samples;
                seen.AddRange(samples.data<float>().ToArray());
            }
            Assert.Equal(Enumerable.Range(0, 10).Select(i => (float)i), seen.Order());
        }
    }

    [Fact]
    public void What_is_missing_or_of_another_kind_is_named()
    {
        using var none = new NamedArrays([new NamedArray("images", ArrayType.UInt8, [1], new byte[1])]);
        using var doubles = new NamedArrays([new NamedArray("x_train", ArrayType.Float64, [1], new byte[8]), new NamedArray("y_train", ArrayType.UInt8, [1], new byte[1])]);
        using var uneven = new NamedArrays([new NamedArray("x_train", ArrayType.UInt8, [2], new byte[2]), new NamedArray("y_train", ArrayType.UInt8, [3], new byte[3])]);
        using var empty = new NamedArrays([new NamedArray("x_train", ArrayType.UInt8, [0, 4], Array.Empty<byte>()), new NamedArray("y_train", ArrayType.UInt8, [0], Array.Empty<byte>())]);

        Assert.Contains("no array 'x_train'; it has: images", Refusal(none), StringComparison.Ordinal);
        Assert.Contains("uint8, float32", Refusal(doubles), StringComparison.Ordinal);
        Assert.Contains("[2] and targets [3]", Refusal(uneven), StringComparison.Ordinal);
        Assert.Contains("no sample", Refusal(empty), StringComparison.Ordinal);

        static string Refusal(NamedArrays arrays) => Assert.Throws<DatasetException>(() => TensorDataset.From(arrays, "set", train: true).Dispose()).Message;
    }

    private static IEnumerable<string> Samples(IEnumerable<float> pixels, IEnumerable<long> labels) =>
        pixels.Chunk(64).Zip(labels, (p, l) => l + ":" + string.Join(",", p)).Order(StringComparer.Ordinal);

    private static (long[] Counts, float[] Pixels, long[] Labels) Read(DataLoader loader)
    {
        List<long> counts = [], labels = [];
        List<float> pixels = [];
        foreach (var batch in loader.Epoch())
        {
            counts.Add(batch.Count);
            pixels.AddRange(batch.Samples.data<float>().ToArray());
            labels.AddRange(batch.Targets.data<long>().ToArray());
        }
        return ([.. counts], [.. pixels], [.. labels]);
    }
}
