using MantaLight.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>Counts, batch by batch, what samples are and what they were taken for.</summary>
internal sealed class ClassTally
{
    private readonly int classes;
    private readonly long[]? matrix;
    private readonly long[] truths;
    private readonly long[] predicted;
    private readonly long[] hits;

    private ClassTally(int classes)
    {
        this.classes = classes;
        matrix = classes <= ClassCounts.MaximumMatrix ? new long[classes * classes] : null;
        (truths, predicted, hits) = (new long[classes], new long[classes], new long[classes]);
    }

    /// <summary>For a model with such outputs; null where it has too many classes.</summary>
    /// <param name="output">[n, classes], [n, classes, …], [n, 1] or [n]: one output tells two classes apart.</param>
    public static ClassTally? For(Tensor output)
    {
        var outputs = output.dim() > 1 ? output.shape[1] : 1;
        return outputs <= ClassCounts.MaximumClasses ? new ClassTally((int)Math.Max(2, outputs)) : null;
    }

    /// <summary>Counts a batch; labels that are no class of the model are left out.</summary>
    public void Add(Tensor guesses, Tensor labels)
    {
        var (guess, truth) = (guesses.flatten().to(ScalarType.Int64), labels.flatten().to(ScalarType.Int64));
        // Several labels for each sample, say: that is no choice of one class.
        if (guess.numel() != truth.numel())
            return;
        var isClass = truth.ge(0).logical_and(truth.lt(classes)).logical_and(guess.ge(0)).logical_and(guess.lt(classes));
        (guess, truth) = (guess.masked_select(isClass), truth.masked_select(isClass));
        if (matrix is not null)
        {
            Count((truth * classes) + guess, matrix);
            return;
        }
        Count(truth, truths);
        Count(guess, predicted);
        Count(truth.masked_select(truth.eq(guess)), hits);
    }

    /// <summary>The counts; null where nothing was counted.</summary>
    public ClassCounts? Counts()
    {
        var counts = matrix is null
            ? ClassCounts.Of(truths, predicted, hits)
            : ClassCounts.OfConfusion([.. Enumerable.Range(0, classes).Select(row => matrix[(row * classes)..((row + 1) * classes)])]);
        return counts.Samples > 0 ? counts : null;
    }

    private static void Count(Tensor numbers, long[] into)
    {
        var counted = numbers.bincount(null, into.Length).data<long>();
        for (var i = 0; i < into.Length; i++)
            into[i] += counted[i];
    }
}
