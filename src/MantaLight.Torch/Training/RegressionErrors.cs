using MantaLight.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>What is measured where numbers are learnt, not classes: the mean absolute and the mean squared error.</summary>
internal static class RegressionErrors
{
    private static readonly string[] Losses = ["MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "PoissonNLLLoss", "GaussianNLLLoss"];

    /// <summary>Whether numbers are learnt: the targets have fractions, and the loss is one of distances.</summary>
    public static bool Apply(string loss, Tensor targets) => targets.is_floating_point() && Losses.Contains(loss, StringComparer.Ordinal);

    /// <summary>Adds a batch's errors, of which there is one for each element of the targets.</summary>
    public static void Add(Tensor output, Tensor targets, MetricSums sums)
    {
        if (output.numel() != targets.numel())
            return;
        var errors = output.flatten().to(ScalarType.Float64) - targets.flatten().to(ScalarType.Float64);
        sums.Add("mae", errors.abs().sum().ToDouble(), errors.numel());
        sums.Add("mse", errors.square().sum().ToDouble(), errors.numel());
    }
}
