using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Plans;
using MantaLight.Diagnostics;
using MantaLight.Swarms;

namespace MantaLight.Scheduling.Selection;

/// <summary>
/// Who takes part in a round: <c>all</c>, <c>random 0.1</c>, <c>by_loss 10 candidates=30</c>, <c>available 0.5</c>, <c>round_robin 10</c>. The number is a count, or below 1 a part of those who could.
/// </summary>
[JsonConverter(typeof(Converter))]
public sealed class SelectionPolicy
{
    private static readonly string[] Names = ["all", "random", "by_loss", "available", "round_robin"];

    private SelectionPolicy(string text, PartText part)
    {
        Text = text;
        Kind = part.Name;
        if (!Names.Contains(Kind, StringComparer.Ordinal))
            throw Unknown(text, Kind);
        if (Kind != "all")
            Size = Maximum(part, "nodes", isPositional: true) ?? throw new InvalidSettingException($"'{Kind}' needs how many nodes it chooses, as in '{Kind} 0.1' or '{Kind} 10'.");
        if (Kind == "by_loss")
        {
            Candidates = Maximum(part, "candidates", isPositional: false);
            IsLowestFirst = part.Word("order", "highest", "lowest") == "lowest";
        }
        if (Kind is "by_loss" or "available" or "round_robin")
        {
            var metric = part.Text("metric") ?? "train_metrics.loss";
            Metric = MetricPath.IsPath(metric) ? new MetricPath(metric) : throw new InvalidSettingException($"'{metric}' is no metric of a node: write TAG.KEY, as train_metrics.loss.");
        }
        part.End();
    }

    /// <summary>As it is written.</summary>
    public string Text { get; }

    internal string Kind { get; }

    /// <summary>How many are chosen.</summary>
    internal TaskMaximum Size { get; }

    /// <summary>Among how many, drawn by their samples; null: all.</summary>
    internal TaskMaximum? Candidates { get; }

    internal bool IsLowestFirst { get; }

    /// <summary>A number that whoever has taken part tells; null where nothing is to be known of nodes.</summary>
    internal MetricPath? Metric { get; }

    /// <summary>Reads a policy.</summary>
    /// <exception cref="InvalidSettingException">It is not known, or has what is not possible.</exception>
    public static SelectionPolicy Parse(string text)
    {
        var name = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? "";
        return Names.Contains(name, StringComparer.Ordinal) ? new SelectionPolicy(text, PartText.Parse(text)) : throw Unknown(text, name);
    }

    private static TaskMaximum? Maximum(PartText part, string key, bool isPositional) =>
        part.Number(key, n => n > 0 && n <= int.MaxValue && (n < 1 || n == Math.Floor(n)), "a count of 1 or more, or a part above 0 and below 1,", isPositional) switch
        {
            null => null,
            >= 1 and var count => new TaskMaximum((int)count, 0),
            { } fraction => new TaskMaximum(0, fraction),
        };

    private static InvalidSettingException Unknown(string text, string name) => new(
        $"{KnownNames.Quote(text)} chooses no nodes{(KnownNames.Nearest(name, Names) is { } near ? $" (did you mean '{near}'?)" : "")}; expected one of: {string.Join(", ", Names)}, as in 'random 0.1'.");

    private sealed class Converter : JsonConverter<SelectionPolicy>
    {
        public override SelectionPolicy Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var json = JsonDocument.ParseValue(ref reader);
            return json.RootElement switch
            {
                { ValueKind: JsonValueKind.String } text => Parse(text.GetString()!),
                { ValueKind: JsonValueKind.Object } value when value.TryGetProperty("part", out _) => new SelectionPolicy(value.GetRawText(), PartText.Parse(value)),
                _ => throw Unknown(json.RootElement.GetRawText(), ""),
            };
        }

        public override void Write(Utf8JsonWriter writer, SelectionPolicy value, JsonSerializerOptions options) => writer.WriteStringValue(value.Text);
    }
}
