using System.Text.Json;

namespace MantaLight.Metrics;

/// <summary>What one node's test told, as far as it can be: anybody may have written it.</summary>
internal sealed record NodeMetrics
{
    private const double MostSamples = 1L << 40;
    private const int MaximumNames = 64;

    private static readonly string[] Counts = ["samples", "correct", "labels"];

    /// <summary>The node.</summary>
    public required string Node { get; init; }

    /// <summary>Its weight in means; null where it told none.</summary>
    public required double? Samples { get; init; }

    /// <summary>Its numbers by name.</summary>
    public required IReadOnlyDictionary<string, double> Values { get; init; }

    /// <summary>Of those that are a sum over a count, both.</summary>
    public required IReadOnlyDictionary<string, (double Sum, double Count)> Sums { get; init; }

    /// <summary>Reads a node's result; null where it is none.</summary>
    public static NodeMetrics? Read(string node, JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
            return null;
        var samples = Count(json, "samples");
        if (samples is null && json.TryGetProperty("samples", out _))
            return null;
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var member in json.EnumerateObject().Where(m => !Counts.Contains(m.Name, StringComparer.Ordinal) && m.Name.Length <= 64).Take(MaximumNames))
        {
            if (Number(member.Value) is { } value)
                values[member.Name] = value;
        }
        var sums = new Dictionary<string, (double, double)>(StringComparer.Ordinal);
        if (json.TryGetProperty("sums", out var pairs) && pairs.ValueKind == JsonValueKind.Object)
        {
            foreach (var pair in pairs.EnumerateObject().Where(p => values.ContainsKey(p.Name)))
            {
                if (pair.Value.ValueKind == JsonValueKind.Array && pair.Value.GetArrayLength() == 2
                    && Number(pair.Value[0]) is { } sum && Number(pair.Value[1]) is { } count and > 0 and <= MostSamples * MostSamples)
                {
                    sums[pair.Name] = (sum, count);
                }
            }
        }
        if (values.ContainsKey("accuracy") && Count(json, "correct") is { } correct && (Count(json, "labels") ?? samples) is { } labels and > 0 && correct <= labels)
            sums["accuracy"] = (correct, labels);
        return new NodeMetrics { Node = node, Samples = samples, Values = values, Sums = sums };
    }

    private static double? Count(JsonElement json, string name) =>
        json.TryGetProperty(name, out var member) && Number(member) is { } number and >= 0 and <= MostSamples && number == Math.Floor(number) ? number : null;

    private static double? Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && Math.Abs(number) <= NodeSpread.Largest ? number : null;
}
