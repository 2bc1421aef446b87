using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Privacy;

/// <summary>One sample at a time, forward and backward: any model, exactly.</summary>
internal sealed class MicroBatches(Parameter[] parameters, Func<Tensor, Tensor> forward, Func<Tensor, Tensor, Tensor> lossOf) : ISampleGradients
{
    public int Most => 256;

    public double[] AddTo(Tensor[] sums, Batch batch, double clip)
    {
        var norms = new double[batch.Count];
        for (var i = 0; i < norms.Length; i++)
        {
            using var scope = NewDisposeScope();
            foreach (var parameter in parameters)
                parameter.grad = null;
            lossOf(forward(batch.Samples.narrow(0, i, 1)), batch.Targets.narrow(0, i, 1)).backward();
            using var noGradients = no_grad();
            var gradients = Array.ConvertAll(parameters, p => p.grad);
            norms[i] = Math.Sqrt(gradients.Sum(g => g is null ? 0 : Math.Pow(g.norm().ToDouble(), 2)));
            var scale = ClipScale.Of(norms[i], clip);
            for (var p = 0; p < sums.Length; p++)
            {
                if (gradients[p] is { } gradient)
                    sums[p].add_(gradient, scale);
            }
        }
        foreach (var parameter in parameters)
            parameter.grad = null;
        return norms;
    }

    public void Dispose()
    {
        // It has nothing.
    }
}

/// <summary>How much of a sample's gradient stays.</summary>
internal static class ClipScale
{
    /// <exception cref="TrainingDivergedException">It is NaN or infinite.</exception>
    public static double Of(double norm, double clip) => double.IsFinite(norm)
        ? Math.Min(1, clip / Math.Max(norm, double.Epsilon))
        : throw new TrainingDivergedException("A sample's gradient is not finite; a lower learning rate may help.");
}
