using MantaLight.Torch.Augmentation;
using MantaLight.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>
/// Batches of a data set, in an order of its own for each epoch where a seed is given. The samples of an epoch are put in that order once, as they are;
/// bytes become floats a batch at a time, in one buffer that the processor's cache keeps. The same seed gives the same epochs, whatever else the process
/// draws. Not for several threads at once.
/// </summary>
public sealed class DataLoader : IDisposable
{
    private readonly TensorDataset dataset;
    private readonly Generator? order;
    private readonly ImageAugmenter? augmenter;
    private Tensor? buffer;

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
        var (samples, targets) = Arrange();
        using (samples)
        using (targets)
        {
            for (long start = 0; start < Count; start += BatchSize)
            {
                var count = Math.Min(BatchSize, Count - start);
                using var x = View(samples, start, count);
                using var y = View(targets, start, count);
                using var scaled = x.dtype == ScalarType.Byte ? Scale(x) : null;
                yield return new Batch(scaled ?? x, y, count);
            }
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
        buffer?.Dispose();
        order?.Dispose();
        augmenter?.Dispose();
        dataset.Dispose();
    }

    // The samples as they are, but for augmentation, which needs floats.
    private (Tensor Samples, Tensor Targets) Arrange()
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var (x, y) = (dataset.Samples.alias(), dataset.Targets.alias());
        if (order is not null)
        {
            var permutation = randperm(Count, generator: order);
            (x, y) = (x.index_select(0, permutation), y.index_select(0, permutation));
        }
        if (augmenter is not null)
        {
            // The buffer stays: a new one for each epoch would be page faults all over again.
            buffer ??= empty(x.shape, ScalarType.Float32).DetachFromDisposeScope();
            buffer.copy_(x);
            if (x.dtype == ScalarType.Byte)
                buffer.div_(255);
            augmenter.Apply(buffer);
            x = buffer.alias();
        }
        return (x.DetachFromDisposeScope(), y.DetachFromDisposeScope());
    }

    private Tensor Scale(Tensor pixels)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        buffer ??= empty([Math.Min(BatchSize, Count), .. pixels.shape[1..]], ScalarType.Float32).DetachFromDisposeScope();
        return buffer.narrow(0, 0, pixels.shape[0]).copy_(pixels).div_(255).DetachFromDisposeScope();
    }

    private static Tensor View(Tensor all, long start, long count) => all.narrow(0, start, count).DetachFromDisposeScope();
}

/// <summary>Some samples of an epoch.</summary>
/// <param name="Samples">float32, batch first.</param>
/// <param name="Targets">int64 or float32, batch first.</param>
/// <param name="Count">How many they are.</param>
public readonly record struct Batch(Tensor Samples, Tensor Targets, long Count);
