using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>First weights from a generator of their own.</summary>
internal static class Initialization
{
    /// <summary>He 2015: weights of linear and convolution layers with variance 2 over the fan-in, biases zero.</summary>
    public static void He(nn.Module model, ulong seed, bool uniform)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator(Seeds.Derive(seed, Seeds.Initialization));
        foreach (var module in model.modules())
        {
            if (module is not (Linear or Bilinear or Convolution))
                continue;
            foreach (var (name, parameter) in module.named_parameters(recurse: false))
            {
                if (name != "weight")
                {
                    parameter.zero_();
                    continue;
                }
                var deviation = Math.Sqrt(2.0 * parameter.shape[0] / parameter.numel());
                if (uniform)
                    parameter.uniform_(-Math.Sqrt(3) * deviation, Math.Sqrt(3) * deviation, generator);
                else
                    parameter.normal_(0, deviation, generator);
            }
        }
    }
}
