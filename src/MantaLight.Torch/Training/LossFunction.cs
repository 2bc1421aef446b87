using MantaLight.Tasks;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>A loss of TorchSharp, applied to a model's output and the data set's targets.</summary>
public sealed class LossFunction : IDisposable
{
    internal LossFunction(string name, nn.Module module)
    {
        Name = name;
        Module = module;
    }

    /// <summary>Its PyTorch name.</summary>
    public string Name { get; }

    /// <summary>The module; losses of more than two inputs are called through it.</summary>
    public nn.Module Module { get; }

    /// <summary>The loss. Class numbers become what the loss takes: one-hot rows, or rows of +1 and -1, where it takes no class numbers.</summary>
    /// <param name="output">The model's, [n] or [n, …].</param>
    /// <param name="target">The data set's, int64 class numbers [n] or values of the output's shape.</param>
    /// <exception cref="TaskContractException">The loss has more inputs than these two.</exception>
    public Tensor Compute(Tensor output, Tensor target)
    {
        if (Module is not nn.Module<Tensor, Tensor, Tensor> loss)
            throw new TaskContractException($"{Name} takes more than an output and a target; override the worker's Loss method to call it.");
        return loss.call(output, target.dtype == ScalarType.Int64 ? FromClasses(output, target) : target);
    }

    /// <inheritdoc/>
    public void Dispose() => Module.Dispose();

    private Tensor FromClasses(Tensor output, Tensor target)
    {
        switch (Name)
        {
            case "CrossEntropyLoss" or "NLLLoss" or "MultiMarginLoss":
                return target;
            case "MultiLabelMarginLoss" when IsPerClass(output, target):
                // A list of classes per sample, ended by -1.
                var classes = full_like(output, -1, ScalarType.Int64);
                classes.select(1, 0).copy_(target);
                return classes;
            case "HingeEmbeddingLoss" or "SoftMarginLoss":
                return Dense(output, target).mul_(2).sub_(1);
            default:
                return Dense(output, target);
        }
    }

    private static Tensor Dense(Tensor output, Tensor target) => IsPerClass(output, target)
        ? nn.functional.one_hot(target, output.shape[1]).to(output.dtype)
        : target.to(output.dtype, copy: true).view(output.shape);

    private static bool IsPerClass(Tensor output, Tensor target) => output.dim() == 2 && output.shape[1] > 1 && target.dim() == 1;
}
