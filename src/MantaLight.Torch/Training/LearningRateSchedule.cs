using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Torch.Training;

namespace MantaLight.Torch;

/// <summary>How the learning rate changes over a whole run, from the first step of round 1 to the last of the last round.</summary>
public sealed record LearningRateSchedule : IJsonOnDeserialized
{
    /// <summary><c>constant</c> or <c>cosine</c> (half a period down to <see cref="FinalLr"/>).</summary>
    /// <value>constant.</value>
    public string Type { get; init; } = "constant";

    /// <summary>Where a cosine ends; at least 0.</summary>
    /// <value>0.</value>
    public double FinalLr { get; init; }

    [JsonInclude]
    [JsonExtensionData]
    internal Dictionary<string, JsonElement>? Unknown { get; init; }

    /// <summary>The rate of a step.</summary>
    /// <param name="initial">The rate of the first step.</param>
    /// <param name="step">The step, from 0, counted over all rounds.</param>
    /// <param name="steps">All steps of all rounds that may run, at least 1.</param>
    public double At(double initial, long step, long steps) => Type == "cosine"
        ? FinalLr + ((initial - FinalLr) * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(step, steps) / steps)))
        : initial;

    /// <summary>Checks keys and values.</summary>
    /// <exception cref="JsonException">A key is not known or a value out of place; the message names it.</exception>
    public void OnDeserialized()
    {
        KnownKeys.RefuseOthers(this, Unknown, "lr_schedule.");
        if (Type is not ("constant" or "cosine"))
            throw new JsonException($"lr_schedule.type is '{Type}'; known are: constant, cosine.");
        if (!(FinalLr >= 0) || !double.IsFinite(FinalLr))
            throw new JsonException($"lr_schedule.final_lr is {FinalLr} where at least 0 is expected.");
    }
}
