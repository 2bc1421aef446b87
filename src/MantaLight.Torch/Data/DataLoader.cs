using MantaLight.Torch.Augmentation;
using MantaLight.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>
/// Batches of a data set, in an order of its own for each epoch where a seed is given. A batch is gathered into one buffer, which the processor's cache
/// keeps; where images are augmented, an epoch is gathered at once and its batches are views of that. The same seed gives the same epochs, whatever else
/// the process draws. Not for several threads at once.
/// </summary>
public sealed class DataLoader : IDisposable
{
    private readonly TensorDataset dataset;
    private readonly Generator? order;
    private readonly ImageAugmenter? augmenter;
    private Tensor? samples;
    private Tensor? targets;

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

    /// <summary>One pass over the data, in the next order. A batch's tensors are disposed, and their memory is used again, when the next one is asked for.</summary>
    public IEnumerable<Batch> Epoch()
    {
        using var permutation = order is null ? null : randperm(Count, generator: order).DetachFromDisposeScope();
        if (augmenter is not null)
            Augment(augmenter, permutation);
        for (long start = 0; start < Count; start += BatchSize)
        {
            var count = Math.Min(BatchSize, Count - start);
            var (x, y) = augmenter is null ? Gather(permutation, start, count) : (View(samples!, start, count), View(targets!, start, count));
            using (x)
            using (y)
                yield return new Batch(x, y, count);
        }
    }

    /// <summary>The data set's first samples as a batch, whatever the order and unchanged; dispose both tensors when done.</summary>
    internal Batch First(long count)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var x = dataset.Samples.narrow(0, 0, count);
        x = x.dtype == ScalarType.Byte ? x.to(ScalarType.Float32).div_(255) : x.alias();
        return new Batch(x.DetachFromDisposeScope(), View(dataset.Targets, 0, count), count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        samples?.Dispose();
        targets?.Dispose();
        order?.Dispose();
        augmenter?.Dispose();
        dataset.Dispose();
    }

    private (Tensor Samples, Tensor Targets) Gather(Tensor? permutation, long start, long count)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var rows = permutation?.narrow(0, start, count);
        var x = Select(dataset.Samples, rows, start, count);
        var y = Select(dataset.Targets, rows, start, count);
        if (x.dtype == ScalarType.Byte)
        {
            samples ??= empty([Math.Min(BatchSize, Count), .. dataset.Samples.shape[1..]], ScalarType.Float32).DetachFromDisposeScope();
            x = samples.narrow(0, 0, count).copy_(x).div_(255);
        }
        return (x.DetachFromDisposeScope(), y.DetachFromDisposeScope());
    }

    private void Augment(ImageAugmenter images, Tensor? permutation)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        // The buffer stays: a new one for each epoch would be page faults all over again.
        samples ??= empty(dataset.Samples.shape, ScalarType.Float32).DetachFromDisposeScope();
        samples.copy_(Select(dataset.Samples, permutation, 0, Count));
        if (dataset.Samples.dtype == ScalarType.Byte)
            samples.div_(255);
        images.Apply(samples);
        targets?.Dispose();
        targets = Select(dataset.Targets, permutation, 0, Count).DetachFromDisposeScope();
    }

    private static Tensor Select(Tensor all, Tensor? rows, long start, long count) => rows is null ? all.narrow(0, start, count) : all.index_select(0, rows);

    private static Tensor View(Tensor all, long start, long count) => all.narrow(0, start, count).DetachFromDisposeScope();
}

/// <summary>Some samples of an epoch.</summary>
/// <param name="Samples">float32, batch first.</param>
/// <param name="Targets">int64 or float32, batch first.</param>
/// <param name="Count">How many they are.</param>
public readonly record struct Batch(Tensor Samples, Tensor Targets, long Count);
