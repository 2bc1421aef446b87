using static TorchSharp.torch;

namespace MantaLight.Torch.Privacy;

/// <summary>Adds up the gradients of samples, each clipped by itself.</summary>
internal interface ISampleGradients : IDisposable
{
    /// <summary>How many samples are given at once at most.</summary>
    int Most { get; }

    /// <summary>Adds Σ g min(1, C/‖g‖) over the batch's samples, with g a sample's gradient over all parameters.</summary>
    /// <param name="batch">The samples.</param>
    /// <param name="clip">C.</param>
    /// <param name="sums">One for each parameter, of its shape.</param>
    /// <returns>‖g‖ of each.</returns>
    /// <exception cref="TrainingDivergedException">A gradient is NaN or infinite.</exception>
    double[] AddTo(Tensor[] sums, Batch batch, double clip);
}
