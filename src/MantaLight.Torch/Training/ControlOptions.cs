using System.Text.Json;

namespace MantaLight.Torch.Training;

/// <summary>What control variates go with.</summary>
internal static class ControlOptions
{
    public const string Scaffold = "scaffold";

    // Steps of these are not sums of gradients alone.
    private static readonly string[] Others = ["nesterov", "dampening", "maximize"];

    /// <summary>Why they cannot be; null where they can.</summary>
    public static string? Problem(Hyperparameters hyperparameters)
    {
        if (hyperparameters.ControlOption is not (1 or 2))
            return $"control_option is {hyperparameters.ControlOption} where 1 (the gradient at the global model) or 2 (what the steps come to) is expected";
        if (hyperparameters.ControlVariates is not { } kind)
            return null;
        if (kind != Scaffold)
            return $"control_variates is '{kind}'; known is: {Scaffold}";
        if (hyperparameters.Optimizer != "SGD")
            return $"control_variates correct gradients, and are told from what plain steps come to; {hyperparameters.Optimizer} makes other steps of them. Take SGD, with or without momentum";
        if (hyperparameters.ProximalMu > 0)
            return "control_variates and proximal_mu are two remedies for the same drift, and the one would take the other's pull for a gradient; leave one of them out";
        if (hyperparameters.DpSgd is not null || hyperparameters.LocalPrivacy is not null)
            return "control_variates tell of the same data as the model and without any noise, so that neither dp_sgd nor local_privacy would protect anybody; leave one of them out";
        string[] others = [.. Others.Where(key => hyperparameters.EffectiveOptimizerParams.TryGetValue(key, out var value) && !IsOff(value))];
        return others.Length == 0 ? null : $"control_variates do not go with SGD's {others[0]}; leave it out";
    }

    private static bool IsOff(JsonElement value) => value.ValueKind is JsonValueKind.False or JsonValueKind.Null || (value.ValueKind == JsonValueKind.Number && value.GetDouble() == 0);
}
