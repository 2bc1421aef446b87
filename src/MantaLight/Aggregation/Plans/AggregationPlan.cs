using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Optimizers;
using MantaLight.Aggregation.Rules;
using MantaLight.Diagnostics;

namespace MantaLight.Aggregation.Plans;

/// <summary>
/// How contributions become the next model, part by part: they are shortened (<c>clip</c>, <c>adaptive_clip</c>), combined (a rule), and the server takes its step (an optimizer). In a definition a list
/// such as <c>["clip 1.0", "trimmed_mean 0.1", "adam lr=0.03"]</c>, each part as a text or an object; what is left out is not done, and a list without a rule takes the mean.
/// </summary>
[JsonConverter(typeof(Converter))]
public sealed class AggregationPlan
{
    /// <summary>The names of all parts, for people.</summary>
    public static string Known { get; } = string.Join(", ", Names);

    private const int MostParts = 8;

    /// <summary>The mean by samples, and nothing else.</summary>
    public static AggregationPlan Mean { get; } = new(clip: null, adaptive: null, new Mean(isWeighted: true), optimizer: null);

    private AggregationPlan(double? clip, AdaptiveClip? adaptive, IAggregationRule rule, IServerOptimizer? optimizer) => (Clip, Adaptive, Rule, Optimizer) = (clip, adaptive, rule, optimizer);

    /// <summary>The parts, in their order.</summary>
    public IReadOnlyList<string> Parts =>
    [
        .. Clip is { } most ? [string.Create(CultureInfo.InvariantCulture, $"clip {most}")] : Adaptive is { } adaptive ? [adaptive.Text] : Array.Empty<string>(), Rule.Text, .. Optimizer is { } step ? [step.Text] : Array.Empty<string>(),
    ];

    /// <summary>The longest that a contribution's difference from the model before may be; null where it may be as long as it is.</summary>
    internal double? Clip { get; }

    /// <summary>How the longest changes from round to round; null where it does not.</summary>
    internal AdaptiveClip? Adaptive { get; }

    internal IAggregationRule Rule { get; }

    /// <summary>Whether it starts from the model before.</summary>
    internal bool NeedsReference => Clip is not null || Adaptive is not null || Rule.NeedsReference || Optimizer is not null;

    internal IServerOptimizer? Optimizer { get; }

    /// <summary>Reads a plan.</summary>
    /// <param name="parts">As they are written.</param>
    /// <exception cref="InvalidSettingException">A part is not known, has options that are not possible, or stands twice or too late.</exception>
    public static AggregationPlan Parse(params IEnumerable<string> parts) => Read(parts.Select(PartText.Parse));

    private static AggregationPlan Read(IEnumerable<PartText> parts) => ReadAll([.. parts]);

    private static AggregationPlan ReadAll(PartText[] parts)
    {
        ScaffoldPart.RequireAlone(parts);
        double? clip = null;
        AdaptiveClip? adaptive = null;
        IAggregationRule? rule = null;
        IServerOptimizer? optimizer = null;
        var rank = 0;
        foreach (var part in parts)
        {
            int next;
            if (part.Name == "clip")
            {
                (clip, next) = (part.Number("norm", n => n > 0, "a number above 0", isPositional: true) ?? throw new InvalidSettingException("'clip' needs the longest that a difference may be, as in 'clip 1.0'."), 1);
            }
            else if (part.Name == AdaptiveClip.Name)
            {
                (adaptive, next) = (AdaptiveClip.Read(part), 1);
            }
            else if (RuleParts.Read(part) is { } found)
            {
                (rule, next) = (found, 2);
            }
            else
            {
                optimizer = OptimizerParts.Read(part) ?? throw Unknown(part.Name);
                next = 3;
            }
            part.End();
            if (next <= rank)
                throw new InvalidSettingException($"'{part.Name}' stands there twice or too late: the order is clip, or adaptive_clip in its place, one rule ({string.Join(", ", RuleParts.Names)}), one optimizer ({string.Join(", ", OptimizerParts.Names)}).");
            rank = next;
        }
        if (rule?.Privacy is not null && clip is null && adaptive is null)
            throw new InvalidSettingException("'private_mean' needs 'clip' before it, as in [\"clip 1.0\", \"private_mean noise=1.1 expected=10\"]: noise hides what is no longer than that.");
        if (rule is PrivateMean { Privacy.Mechanism.Noise: var noise, Expected: var expected } && adaptive?.CountNoiseFor(expected, noise) <= noise / 2)
            throw new InvalidSettingException(string.Create(CultureInfo.InvariantCulture, $"'adaptive_clip' takes a count_noise above half the noise of 'private_mean', {noise / 2}, not {adaptive.CountNoise}: the count alone would tell more than is accounted for."));
        return new AggregationPlan(clip, adaptive, rule ?? new Mean(isWeighted: true), optimizer);
    }

    private static string[] Names => ["clip", AdaptiveClip.Name, .. RuleParts.Names, .. OptimizerParts.Names];

    private static InvalidSettingException Unknown(string name)
    {
        return new($"'{name}' is no part of an aggregation{(KnownNames.Nearest(name, Names) is { } near ? $" (did you mean '{near}'?)" : "")}; known are: {Known}.");
    }

    private sealed class Converter : JsonConverter<AggregationPlan>
    {
        public override bool HandleNull => true;

        public override AggregationPlan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var json = JsonElement.ParseValue(ref reader);
            try
            {
                return json.ValueKind switch
                {
                    JsonValueKind.String => Parse(json.GetString()!),
                    JsonValueKind.Array when json.GetArrayLength() <= MostParts => AggregationPlan.Read(json.EnumerateArray().Select(PartText.Parse)),
                    _ => throw new InvalidSettingException($"An aggregation is a list of {MostParts} parts at most, such as [\"clip 1.0\", \"trimmed_mean 0.1\", \"adam lr=0.03\"]."),
                };
            }
            catch (InvalidSettingException e)
            {
                throw new JsonException(e.Message, e);
            }
        }

        public override void Write(Utf8JsonWriter writer, AggregationPlan value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            foreach (var part in value.Parts)
                writer.WriteStringValue(part);
            writer.WriteEndArray();
        }
    }
}
