using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Plans;
using MantaLight.Diagnostics;

namespace MantaLight.Scheduling;

/// <summary>
/// When a swarm ends: at the first of some conditions, <c>["accuracy >= 0.97", "patience 5 metric=loss min_delta=0.001", "rounds 50", "time 00:30:00", "bytes 2GB", "epsilon 8"]</c>, each a text or
/// an object with its name as <c>part</c>.
/// </summary>
[JsonConverter(typeof(Converter))]
public sealed class StopConditions
{
    private const int Most = 16;

    private static readonly string[] Names = ["patience", "rounds", "time", "bytes", "epsilon"];

    private StopConditions(IReadOnlyList<StopCondition> all) => All = all;

    /// <summary>The conditions as they are written.</summary>
    public IReadOnlyList<string> Texts => [.. All.Select(c => c.Text)];

    internal IReadOnlyList<StopCondition> All { get; }

    /// <summary>Whether there is a metric to be reached: a swarm that ends otherwise has not come where it was to come.</summary>
    internal bool HasTarget => All.Any(c => c.IsTarget);

    /// <summary>Reads conditions.</summary>
    /// <param name="texts">As they are written.</param>
    /// <exception cref="InvalidSettingException">One is not known, stands twice, or has what is not possible.</exception>
    public static StopConditions Parse(params IEnumerable<string> texts) => Of([.. texts.Select(Read)]);

    internal static StopConditions Of(IReadOnlyList<StopCondition> all)
    {
        if (all.Count > Most)
            throw new InvalidSettingException($"There are {all.Count} conditions where at most {Most} can be.");
        return all.GroupBy(c => c.Text, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? throw new InvalidSettingException($"'{twice.Key}' stands twice.")
            : new StopConditions(all);
    }

    private static StopCondition Read(string text)
    {
        if (MetricTarget.Parse(text) is { } target)
            return target;
        var words = text.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words switch
        {
            ["time", var time] => new TimeBudget(text, Quantities.Time(time)),
            ["bytes", var bytes] => new ByteBudget(text, Quantities.Bytes(bytes)),
            [var name, ..] when Names.Contains(name, StringComparer.Ordinal) => Read(text, PartText.Parse(text)),
            _ => throw Unknown(KnownNames.Quote(text), words.FirstOrDefault() ?? ""),
        };
    }

    private static StopCondition Read(string text, PartText part)
    {
        StopCondition read = part.Name switch
        {
            "patience" => new Patience(text, part),
            "epsilon" => new EpsilonBudget(text, part),
            "rounds" => new RoundBudget(text, part.Whole("rounds", 1, isPositional: true) ?? throw Missing(part.Name, "how many, as in 'rounds 50'")),
            "time" => new TimeBudget(text, Quantities.Time(part.Text("time") ?? throw Missing(part.Name, "how long, as in 'time 00:30:00'"))),
            "bytes" => new ByteBudget(text, Quantities.Bytes(part.Text("bytes") ?? throw Missing(part.Name, "how many, as in 'bytes 2GB'"))),
            _ => throw Unknown(KnownNames.Quote(text), part.Name),
        };
        part.End();
        return read;
    }

    private static InvalidSettingException Missing(string name, string what) => new($"'{name}' needs {what}.");

    private static InvalidSettingException Unknown(string text, string name) => new(
        $"{text} is no condition{(KnownNames.Nearest(name, Names) is { } near ? $" (did you mean '{near}'?)" : "")}; expected METRIC >= NUMBER (or <=, >, <), or one of: {string.Join(", ", Names)}.");

    private sealed class Converter : JsonConverter<StopConditions>
    {
        public override StopConditions Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var json = JsonDocument.ParseValue(ref reader);
            if (json.RootElement.ValueKind != JsonValueKind.Array)
                throw new InvalidSettingException("Conditions are a list, as in [\"accuracy >= 0.97\", \"rounds 50\"].");
            return Of([.. json.RootElement.EnumerateArray().Select(One)]);
        }

        public override void Write(Utf8JsonWriter writer, StopConditions value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, value.Texts, options);

        private static StopCondition One(JsonElement json) => json.ValueKind switch
        {
            JsonValueKind.String => StopConditions.Read(json.GetString()!),
            JsonValueKind.Object when json.TryGetProperty("part", out var part) && part.ValueKind == JsonValueKind.String =>
                StopConditions.Read(json.GetRawText(), PartText.Parse(json)),
            _ => throw new InvalidSettingException($"{KnownNames.Quote(json.GetRawText())} is no condition; expected a text such as \"patience 5\", or an object such as {{ \"part\": \"patience\", \"rounds\": 5 }}."),
        };
    }
}
