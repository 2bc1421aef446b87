using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Torch.Training;

namespace MantaLight.Torch;

/// <summary>
/// How the learning rate changes over a whole run, from the first step of round 1 to the last of the last round. It is a function of the round and the step in it alone, so that a run that is
/// resumed, or a node that comes late, has the rates that it would have had.
/// </summary>
public sealed record LearningRateSchedule : IJsonOnDeserialized
{
    private const int MaximumRates = 10_000;

    private static readonly string[] Types = ["constant", "step", "exponential", "linear", "cosine", "list"];

    /// <summary>
    /// <c>constant</c>; <c>step</c> (times <see cref="Gamma"/> after each <see cref="StepRounds"/> rounds); <c>exponential</c> (times <see cref="Gamma"/> after each round); <c>linear</c> or
    /// <c>cosine</c> (half a period), step by step down to <see cref="FinalLr"/> at the end of the last round; <c>list</c> (<see cref="Rates"/>).
    /// </summary>
    /// <value>constant.</value>
    public string Type { get; init; } = "constant";

    /// <summary>Where a line or a cosine ends; at least 0.</summary>
    /// <value>0.</value>
    public double FinalLr { get; init; }

    /// <summary>The factor of <c>step</c> and <c>exponential</c>, above 0.</summary>
    /// <value>0.1 for <c>step</c>; <c>exponential</c> has none.</value>
    public double? Gamma { get; init; }

    /// <summary>After how many rounds <c>step</c> changes the rate; at least 1.</summary>
    /// <value>Null: <c>step</c> needs it.</value>
    public int? StepRounds { get; init; }

    /// <summary>The rates of <c>list</c>, in place of the optimizer's, by round; the last one stays. Each above 0.</summary>
    /// <value>Null: <c>list</c> needs it.</value>
    public IReadOnlyList<double>? Rates { get; init; }

    /// <summary>Over how many rounds at first the rate grows, step by step, from next to nothing to the optimizer's; the schedule begins after them. At least 0.</summary>
    /// <value>0.</value>
    public int WarmupRounds { get; init; }

    [JsonInclude]
    [JsonExtensionData]
    internal Dictionary<string, JsonElement>? Unknown { get; init; }

    /// <summary>The rate of a step.</summary>
    /// <param name="initial">The optimizer's rate.</param>
    /// <param name="round">The round, from 1.</param>
    /// <param name="rounds">The last round that may run.</param>
    /// <param name="step">The step in the round, from 0.</param>
    /// <param name="steps">The round's steps, at least 1.</param>
    public double At(double initial, int round, int rounds, long step, long steps)
    {
        var before = Math.Max(0, round - 1);
        var warmup = WarmupRounds * steps;
        var done = (before * steps) + step;
        if (done < warmup)
            return initial * (done + 1) / warmup;
        var all = Math.Max(1, (Math.Max(1, rounds) - WarmupRounds) * steps);
        var part = (double)Math.Min(done - warmup, all) / all;
        return Type switch
        {
            "step" => initial * Math.Pow(Gamma ?? 0.1, (before - WarmupRounds) / StepRounds!.Value),
            "exponential" => initial * Math.Pow(Gamma!.Value, before - WarmupRounds),
            "linear" => initial + ((FinalLr - initial) * part),
            "cosine" => FinalLr + ((initial - FinalLr) * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(done - warmup, all) / all))),
            "list" => Rates![Math.Min(before, Rates.Count - 1)],
            _ => initial,
        };
    }

    /// <summary>Checks keys and values.</summary>
    /// <exception cref="JsonException">A key is not known or a value out of place; the message names it.</exception>
    public void OnDeserialized()
    {
        KnownKeys.RefuseOthers(this, Unknown, "lr_schedule.");
        Require(Types.Contains(Type, StringComparer.Ordinal), $"type is '{Type}'; known are: {string.Join(", ", Types)}");
        Require(FinalLr >= 0 && double.IsFinite(FinalLr), $"final_lr is {FinalLr} where at least 0 is expected");
        Require(Gamma is null or (> 0 and < double.PositiveInfinity), $"gamma is {Gamma} where a number above 0 is expected");
        Require(StepRounds is null or >= 1, $"step_rounds is {StepRounds} where at least 1 is expected");
        Require(WarmupRounds is >= 0 and <= 1_000_000, $"warmup_rounds is {WarmupRounds} where 0 to 1,000,000 is expected");
        Require(
            Rates is null || (Rates.Count is > 0 and <= MaximumRates && Rates.All(r => r is > 0 and < double.PositiveInfinity)),
            $"rates are expected to be 1 to {MaximumRates} numbers above 0");
        Belongs("gamma", Gamma is not null, isNeeded: Type == "exponential", "step", "exponential");
        Belongs("step_rounds", StepRounds is not null, isNeeded: true, "step");
        Belongs("rates", Rates is not null, isNeeded: true, "list");
        Require(Type != "list" || WarmupRounds == 0, "warmup_rounds is not possible with a list, which has the first rates too");
    }

    private void Belongs(string key, bool isThere, bool isNeeded, params string[] types)
    {
        var isOne = types.Contains(Type, StringComparer.Ordinal);
        Require(!isThere || isOne, $"{key} is for {string.Join(" and ", types)}, and type is '{Type}'");
        Require(isThere || !isOne || !isNeeded, $"{key} is missing, which '{Type}' needs");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new JsonException($"lr_schedule.{message}.");
    }
}
