using MantaLight.Torch.Augmentation;
using MantaLight.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>
/// Batches of a data set, in an order of its own for each epoch where a seed is given. Some batches at a time are put side by side in one block of memory,
/// in that order and as floats, and a batch is a view of it; the block, and the views, are used again for the next ones. Floats in the data set's own order are
/// not copied at all. The same seed gives the same epochs, whatever else the process draws. Not for several threads at once.
/// </summary>
public sealed class DataLoader : IDisposable
{
    // What the processor's cache keeps, so that a block is still there when its batches are read.
    private const long BlockBytes = 2 << 20;

    private readonly TensorDataset dataset;
    private readonly Generator? order;
    private readonly ImageAugmenter? augmenter;
    private BatchBlock? block;

    /// <summary>Takes the data set over.</summary>
    /// <param name="dataset">The samples.</param>
    /// <param name="batchSize">Samples of a batch, at least 1; an epoch's last batch has what is left.</param>
    /// <param name="seed">Where the order of each epoch comes from; null keeps the data set's order.</param>
    /// <param name="augmenter">Changes each epoch's samples; null leaves them as they are. Taken over.</param>
    public DataLoader(TensorDataset dataset, int batchSize, ulong? seed = null, ImageAugmenter? augmenter = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        TorchRuntime.EnsureLoaded();
        this.dataset = dataset;
        this.augmenter = augmenter;
        BatchSize = batchSize;
        order = seed is { } value ? new Generator(Seeds.Derive(value, Seeds.Order)) : null;
    }

    /// <summary>Samples of a full batch.</summary>
    public int BatchSize { get; }

    /// <summary>Samples of an epoch.</summary>
    public long Count => dataset.Count;

    /// <summary>Batches of an epoch.</summary>
    public long Batches => (Count + BatchSize - 1) / BatchSize;

    /// <summary>
    /// One pass over the data, in the next order; one pass at a time. A batch's tensors are the loader's, and hold other samples when the next one is asked for: whoever
    /// changes them in place, or wants their gradient, takes an alias of them for that.
    /// </summary>
    public IEnumerable<Batch> Epoch()
    {
        using var permutation = order is null ? null : Order();
        block ??= IsAsItIs ? new BatchBlock(Kept(dataset.Samples.alias()), Kept(dataset.Targets.alias()), BatchSize) : Room();
        for (long start = 0; start < Count; start += block.Count)
        {
            var count = Math.Min(block.Count, Count - start);
            if (!IsAsItIs)
                Fill(start, count, permutation);
            for (long first = 0; first < count; first += BatchSize)
                yield return block.At(first, Math.Min(BatchSize, count - first));
        }
    }

    /// <summary>The data set's first samples as a batch, whatever the order and unchanged; dispose both tensors when done.</summary>
    internal Batch First(long count)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var x = dataset.Samples.narrow(0, 0, count);
        x = x.dtype == ScalarType.Byte ? x.to(ScalarType.Float32).div_(255) : x.alias();
        return new Batch(x.DetachFromDisposeScope(), dataset.Targets.narrow(0, 0, count).DetachFromDisposeScope(), count);
    }

    /// <summary>Samples by their places in the data set, augmented as an epoch's are, in the open scope.</summary>
    internal Batch Pick(ReadOnlySpan<long> places)
    {
        using var noGradients = no_grad();
        using var indices = tensor(places.ToArray());
        var x = dataset.Samples.index_select(0, indices);
        if (x.dtype == ScalarType.Byte)
            x = x.to(ScalarType.Float32).div_(255);
        augmenter?.Apply(x);
        return new Batch(x, dataset.Targets.index_select(0, indices), places.Length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        block?.Dispose();
        order?.Dispose();
        augmenter?.Dispose();
        dataset.Dispose();
    }

    private bool IsAsItIs => order is null && augmenter is null && dataset.Samples.dtype == ScalarType.Float32;

    private Tensor Order()
    {
        using var noGradients = no_grad();
        return Kept(randperm(Count, generator: order));
    }

    private BatchBlock Room()
    {
        var (samples, targets) = (dataset.Samples, dataset.Targets);
        var batch = BatchSize * samples.numel() / Count * sizeof(float);
        // Augmentation draws for an epoch at once.
        var count = augmenter is not null ? Count : Math.Min(Count, BatchSize * Math.Max(1, BlockBytes / Math.Max(1, batch)));
        return new BatchBlock(Kept(empty([count, .. samples.shape[1..]], ScalarType.Float32)), Kept(empty([count, .. targets.shape[1..]], targets.dtype)), BatchSize);
    }

    private void Fill(long start, long count, Tensor? permutation)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var (x, y) = (block!.Samples.narrow(0, 0, count), block.Targets.narrow(0, 0, count));
        var indices = permutation?.narrow(0, start, count);
        x.copy_(indices is null ? dataset.Samples.narrow(0, start, count) : dataset.Samples.index_select(0, indices));
        y.copy_(indices is null ? dataset.Targets.narrow(0, start, count) : dataset.Targets.index_select(0, indices));
        if (dataset.Samples.dtype == ScalarType.Byte)
            x.div_(255);
        augmenter?.Apply(x);
    }

    private static Tensor Kept(Tensor made) => made.DetachFromDisposeScope();
}

/// <summary>Some samples of an epoch.</summary>
/// <param name="Samples">float32, batch first.</param>
/// <param name="Targets">int64 or float32, batch first.</param>
/// <param name="Count">How many they are.</param>
public readonly record struct Batch(Tensor Samples, Tensor Targets, long Count);
