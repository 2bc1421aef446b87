using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using MantaLight.Protocol;

namespace MantaLight.Checkpoints;

/// <summary>A checkpoint's info as the texts of a safetensors file.</summary>
internal static class CheckpointMetadata
{
    private const string FormatKey = "mantalight.checkpoint";
    private const string Format = "1";

    public static ImmutableSortedDictionary<string, string> Write(CheckpointInfo info)
    {
        var texts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        texts[FormatKey] = Format;
        texts["swarm"] = info.Swarm;
        texts["name"] = info.Name;
        texts["module"] = info.Module;
        texts["run"] = info.Run;
        texts["definition"] = info.Definition;
        texts["seed"] = info.Seed.ToString(CultureInfo.InvariantCulture);
        texts["round"] = info.Round.ToString(CultureInfo.InvariantCulture);
        texts["weights"] = JsonSerializer.Serialize(info.Weights, CheckpointJson.Default.ImmutableSortedDictionaryStringString);
        texts["values"] = JsonSerializer.Serialize(info.Values, CheckpointJson.Default.ImmutableSortedDictionaryStringJsonElement);
        if (info.FromAlias is { } alias)
            texts["from_alias"] = alias;
        if (info.FromNodes is { } nodes)
            texts["from_nodes"] = JsonSerializer.Serialize(nodes, CheckpointJson.Default.ImmutableArrayString);
        if (info.FromMaximum is { } most)
            texts["from_maximum"] = most.ToString("R", CultureInfo.InvariantCulture);
        return texts.ToImmutable();
    }

    /// <exception cref="MalformedDataException">Not a checkpoint's.</exception>
    public static CheckpointInfo Read(ImmutableSortedDictionary<string, string> texts)
    {
        if (!texts.TryGetValue(FormatKey, out var format))
            throw new MalformedDataException($"it has no '{FormatKey}' in its metadata: it holds weights, but nothing tells of which swarm and round");
        if (format != Format)
            throw new MalformedDataException($"it is a checkpoint of format '{format}' where '{Format}' is read");
        try
        {
            return new CheckpointInfo
            {
                Swarm = Id(texts, "swarm"),
                Name = Id(texts, "name"),
                Module = Text(texts, "module"),
                Run = Text(texts, "run"),
                Definition = Text(texts, "definition"),
                Seed = ulong.Parse(Text(texts, "seed"), NumberStyles.None, CultureInfo.InvariantCulture),
                Round = Round(texts),
                FromAlias = texts.ContainsKey("from_alias") ? Id(texts, "from_alias") : null,
                FromNodes = texts.TryGetValue("from_nodes", out var nodes) ? Ids(JsonSerializer.Deserialize(nodes, CheckpointJson.Default.ImmutableArrayString)) : null,
                FromMaximum = texts.ContainsKey("from_maximum") ? Maximum(Text(texts, "from_maximum")) : null,
                Weights = Tagged(JsonSerializer.Deserialize(Text(texts, "weights"), CheckpointJson.Default.ImmutableSortedDictionaryStringString)),
                Values = Tagged(JsonSerializer.Deserialize(Text(texts, "values"), CheckpointJson.Default.ImmutableSortedDictionaryStringJsonElement)),
            };
        }
        catch (Exception e) when (e is JsonException or FormatException or OverflowException)
        {
            throw new MalformedDataException($"its metadata are not a checkpoint's: {e.Message}", e);
        }
    }

    private static int Round(ImmutableSortedDictionary<string, string> texts) =>
        int.Parse(Text(texts, "round"), NumberStyles.None, CultureInfo.InvariantCulture) is > 0 and var round ? round : throw new FormatException("its round is 0");

    private static double Maximum(string text) =>
        double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture) is > 0 and <= int.MaxValue and var most ? most : throw new FormatException($"'{text}' is no number of nodes");

    private static string Text(ImmutableSortedDictionary<string, string> texts, string key) =>
        texts.TryGetValue(key, out var text) ? text : throw new FormatException($"'{key}' is missing");

    private static string Id(ImmutableSortedDictionary<string, string> texts, string key) => Id(Text(texts, key));

    private static string Id(string? text) => Identifier.IsValid(text) ? text! : throw new FormatException($"'{text}' is no id");

    private static ImmutableArray<string> Ids(ImmutableArray<string> ids) => ids.IsDefault ? throw new FormatException("'from_nodes' is null") : [.. ids.Select(Id)];

    private static ImmutableSortedDictionary<string, T> Tagged<T>(ImmutableSortedDictionary<string, T>? found) =>
        (found ?? throw new FormatException("a list of globals is null")).ToImmutableSortedDictionary(g => Id(g.Key), g => g.Value, StringComparer.Ordinal);
}
