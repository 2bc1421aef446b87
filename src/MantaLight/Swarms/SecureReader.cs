using System.Text.Json;
using MantaLight.SecureAggregation;

namespace MantaLight.Swarms;

/// <summary>Reads a definition's <c>secure_aggregation</c>.</summary>
internal static class SecureReader
{
    private const int MostNeighbours = 10_000;

    public static SecureOptions? Read(JsonObjectReader json, SwarmProblems problems)
    {
        if (!json.TryGet("secure_aggregation", out var value) || JsonObjectReader.Open(value, json.PathOf("secure_aggregation"), problems,
                "worker", "aggregator", "tag", "global", "bits", "range", "weighted", "most_samples", "threshold", "neighbours") is not { } secure)
        {
            return null;
        }
        var options = new SecureOptions();
        var bits = secure.Integer("bits", 16, 64) ?? options.Bits;
        if (bits is not (16 or 32 or 64))
            problems.Add(secure.PathOf("bits"), $"found the number {bits}, expected 16, 32 or 64");
        return options with
        {
            Worker = Id(secure, "worker", "the alias of the task whose weights leave masked") ?? options.Worker,
            Aggregator = Id(secure, "aggregator", "the alias of the task that combines them"),
            Tag = Id(secure, "tag", "the tag of the worker's weights") ?? options.Tag,
            Global = Id(secure, "global", "the tag of the global that they differ from") ?? options.Global,
            Bits = (int)bits,
            Range = Number(secure, "range", problems, r => r is > 0 and <= 1e6, "a number above 0 and at most 1000000") ?? options.Range,
            Weighted = !secure.TryGet("weighted", out _) || secure.Flag("weighted"),
            MostSamples = secure.Integer("most_samples", 1, 1L << 31) ?? options.MostSamples,
            Threshold = Number(secure, "threshold", problems, t => t is >= 0.5 and < 1, "a number from 0.5 to below 1: with less, two halves of the nodes could be played off against each other") ?? options.Threshold,
            Neighbours = Neighbours(secure, problems),
        };
    }

    public static void Write(Utf8JsonWriter json, SecureOptions? secure, Action<Utf8JsonWriter, string, double> writeNumber)
    {
        if (secure is null)
            return;
        var defaults = new SecureOptions();
        json.WriteStartObject("secure_aggregation");
        WriteText(json, "worker", secure.Worker, defaults.Worker);
        if (secure.Aggregator is { } aggregator)
            json.WriteString("aggregator", aggregator);
        WriteText(json, "tag", secure.Tag, defaults.Tag);
        WriteText(json, "global", secure.Global, defaults.Global);
        if (secure.Bits != defaults.Bits)
            json.WriteNumber("bits", secure.Bits);
        if (secure.Range != defaults.Range)
            writeNumber(json, "range", secure.Range);
        if (!secure.Weighted)
            json.WriteBoolean("weighted", false);
        if (secure.MostSamples != defaults.MostSamples)
            json.WriteNumber("most_samples", secure.MostSamples);
        if (secure.Threshold != defaults.Threshold)
            writeNumber(json, "threshold", secure.Threshold);
        if (secure.Neighbours == 0)
            json.WriteString("neighbours", "all");
        else if (secure.Neighbours is { } some)
            json.WriteNumber("neighbours", some);
        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string key, string value, string usual)
    {
        if (value != usual)
            json.WriteString(key, value);
    }

    private static string? Id(JsonObjectReader json, string key, string what) => json.TryGet(key, out _) ? json.RequiredId(key, what) : null;

    private static double? Number(JsonObjectReader json, string key, SwarmProblems problems, Predicate<double> isPossible, string expected)
    {
        if (!json.TryGet(key, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && isPossible(value.GetDouble()))
            return value.GetDouble();
        problems.Add(json.PathOf(key), $"found {JsonPath.Describe(value)}, expected {expected}");
        return null;
    }

    private static int? Neighbours(JsonObjectReader json, SwarmProblems problems)
    {
        if (!json.TryGet("neighbours", out var value) || (value.ValueKind == JsonValueKind.String && value.ValueEquals("auto"u8)))
            return null;
        if (value.ValueKind == JsonValueKind.String && value.ValueEquals("all"u8))
            return 0;
        if (JsonPath.IsIntegerToken(value) && value.TryGetInt32(out var some) && some is >= 2 and <= MostNeighbours && some % 2 == 0)
            return some;
        problems.Add(json.PathOf("neighbours"), $"found {JsonPath.Describe(value)}, expected 'auto', 'all', or an even number from 2 to {MostNeighbours}");
        return null;
    }
}
