using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>
/// The proximal term of FedProx (Li et al. 2020, "Federated Optimization in Heterogeneous Networks", equation 2): each step is w -= η (∇ℓ(w) + μ (w - w_global)), which keeps local weights near the
/// global ones where local data would draw them away. The reported loss is ℓ alone.
/// </summary>
/// <param name="parameters">As the global has them when this is made.</param>
/// <param name="mu">μ, above 0.</param>
internal sealed class ProximalTerm(Parameter[] parameters, double mu) : IDisposable
{
    private readonly Tensor[] anchors = Array.ConvertAll(parameters, p =>
    {
        using var detached = p.detach();
        return detached.clone().DetachFromDisposeScope();
    });

    /// <summary>Adds its gradient to those that there are.</summary>
    public void AddGradients()
    {
        using var noGradients = no_grad();
        for (var i = 0; i < parameters.Length; i++)
        {
            using var gradient = parameters[i].grad;
            if (gradient is null)
                continue;
            using var distance = parameters[i].sub(anchors[i]);
            using var added = gradient.add_(distance, mu);
        }
    }

    public void Dispose()
    {
        foreach (var anchor in anchors)
            anchor.Dispose();
    }
}
