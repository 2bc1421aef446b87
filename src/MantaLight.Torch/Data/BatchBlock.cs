using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>Samples and targets that lie side by side, and the batches in them: views, each made once and handed out in every epoch.</summary>
/// <param name="samples">float32, taken over.</param>
/// <param name="targets">As many; taken over.</param>
/// <param name="batchSize">Samples of a full batch.</param>
internal sealed class BatchBlock(Tensor samples, Tensor targets, long batchSize) : IDisposable
{
    private readonly Batch[] full = new Batch[targets.shape[0] / batchSize];
    private Batch rest;

    public Tensor Samples => samples;

    public Tensor Targets => targets;

    /// <summary>How many samples it has room for.</summary>
    public long Count { get; } = targets.shape[0];

    /// <summary>The batch that begins at a sample, a whole number of batches from the first.</summary>
    public Batch At(long start, long count)
    {
        // An epoch ends in the same place each time, so there is one that is not full.
        ref var batch = ref count == batchSize ? ref full[start / batchSize] : ref rest;
        if (IsGone(batch.Samples) || IsGone(batch.Targets))
        {
            Forget(batch);
            batch = new Batch(View(samples, start, count), View(targets, start, count), count);
        }
        return batch;
    }

    public void Dispose()
    {
        foreach (var batch in full)
            Forget(batch);
        Forget(rest);
        samples.Dispose();
        targets.Dispose();
    }

    // Not made yet; or whoever had it has disposed of it.
    private static bool IsGone(Tensor? view) => view is null || view.IsInvalid;

    private static void Forget(Batch batch)
    {
        batch.Samples?.Dispose();
        batch.Targets?.Dispose();
    }

    private static Tensor View(Tensor all, long start, long count) => all.narrow(0, start, count).DetachFromDisposeScope();
}
