using MantaLight.Torch.Augmentation;
using MantaLight.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>
/// Batches of a data set. An epoch is gathered once, in an order of its own where a seed is given, and its batches are
/// views of that. The same seed gives the same epochs, whatever else the process draws. Not for several threads at once.
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

    /// <summary>One pass over the data, in the next order. A batch's tensors are disposed when the next one is asked for.</summary>
    public IEnumerable<Batch> Epoch()
    {
        Prepare();
        for (long start = 0; start < Count; start += BatchSize)
        {
            var count = Math.Min(BatchSize, Count - start);
            using var x = samples!.narrow(0, start, count).DetachFromDisposeScope();
            using var y = targets!.narrow(0, start, count).DetachFromDisposeScope();
            yield return new Batch(x, y, count);
        }
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

    private void Prepare()
    {
        if (samples is not null && order is null && augmenter is null)
            return;
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var source = dataset.Samples;
        var labels = dataset.Targets;
        if (order is not null)
        {
            var permutation = randperm(Count, generator: order);
            source = source.index_select(0, permutation);
            labels = labels.index_select(0, permutation);
        }
        // The buffer stays: a new one for each epoch would be page faults all over again.
        samples ??= empty(dataset.Samples.shape, ScalarType.Float32).DetachFromDisposeScope();
        samples.copy_(source);
        if (dataset.Samples.dtype == ScalarType.Byte)
            samples.div_(255);
        augmenter?.Apply(samples);
        targets?.Dispose();
        targets = labels.alias().DetachFromDisposeScope();
    }
}

/// <summary>Some samples of an epoch.</summary>
/// <param name="Samples">float32, batch first.</param>
/// <param name="Targets">int64 or float32, batch first.</param>
/// <param name="Count">How many they are.</param>
public readonly record struct Batch(Tensor Samples, Tensor Targets, long Count);
