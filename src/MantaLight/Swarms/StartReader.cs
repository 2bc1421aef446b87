using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using MantaLight.Tasks;

namespace MantaLight.Swarms;

/// <summary>Reads a definition's <c>start</c>.</summary>
internal static partial class StartReader
{
    private const int MaximumRound = 1_000_000 - 1;
    private const int MaximumGlobals = 1000;
    private const long MaximumBlob = 64L << 30;
    private const int MaximumChunk = 4 << 20;

    public static StartDefinition? Read(JsonObjectReader json, SwarmProblems problems)
    {
        if (!json.TryGet("start", out var value)
            || JsonObjectReader.Open(value, json.PathOf("start"), problems, "round", "from_alias", "from_nodes", "from_maximum", "globals") is not { } start)
        {
            return null;
        }
        start.Required("round", "the number of the round that is done");
        return new StartDefinition
        {
            Round = (int)(start.Integer("round", 1, MaximumRound) ?? 1),
            FromAlias = start.TryGet("from_alias", out _) ? start.RequiredId("from_alias", "the alias of a task") : null,
            FromNodes = start.TryGet("from_nodes", out _) ? start.Ids("from_nodes", "node id") : null,
            FromMaximum = ReadMaximum(start, problems),
            Globals = ReadGlobals(start, problems),
        };
    }

    private static double? ReadMaximum(JsonObjectReader start, SwarmProblems problems)
    {
        if (!start.TryGet("from_maximum", out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var most) && most > 0 && most <= int.MaxValue && (most < 1 || most == Math.Floor(most)))
            return most;
        problems.Add(start.PathOf("from_maximum"), $"found {JsonPath.Describe(value)}, expected a count of nodes or a part of them above 0 and below 1");
        return null;
    }

    private static ImmutableSortedDictionary<string, StartGlobal> ReadGlobals(JsonObjectReader start, SwarmProblems problems)
    {
        var globals = ImmutableSortedDictionary.CreateBuilder<string, StartGlobal>(StringComparer.Ordinal);
        if (!start.TryGet("globals", out var value))
            return globals.ToImmutable();
        var path = start.PathOf("globals");
        if (value.ValueKind != JsonValueKind.Object || value.GetPropertyCount() > MaximumGlobals)
        {
            problems.Add(path, $"found {JsonPath.Describe(value)}, expected an object of at most {MaximumGlobals} globals by tag");
            return globals.ToImmutable();
        }
        foreach (var global in value.EnumerateObject())
        {
            var at = JsonPath.Of(path, global.Name);
            if (!JsonObjectReader.IsId(global.Name))
                problems.Add(at, "is not a tag, expected 1 to 64 characters of A-Za-z0-9_-");
            if (JsonObjectReader.Open(global.Value, at, problems, "value", "blob") is { } content)
                globals[global.Name] = ReadGlobal(content, problems);
        }
        return globals.ToImmutable();
    }

    private static StartGlobal ReadGlobal(JsonObjectReader content, SwarmProblems problems)
    {
        var isInline = content.TryGet("value", out var value);
        if (isInline == content.TryGet("blob", out var blob))
            problems.Add(content.Path, "expected exactly one of 'value' and 'blob'");
        else if (isInline && (value.ValueKind == JsonValueKind.Null || Encoding.UTF8.GetByteCount(value.GetRawText()) > TaskJson.MaximumInline))
            problems.Add(content.PathOf("value"), $"found null or a large value, expected JSON of at most {TaskJson.MaximumInline} bytes; larger values are blobs");
        return isInline
            ? new StartGlobal { Value = value.Clone() }
            : new StartGlobal { Blob = JsonObjectReader.Open(blob, content.PathOf("blob"), problems, "sha256", "size", "chunk_size", "chunk_count", "format") is { } read ? ReadBlob(read, problems) : null };
    }

    private static StartBlob? ReadBlob(JsonObjectReader blob, SwarmProblems problems)
    {
        var hash = blob.RequiredText("sha256", HashPattern, "a SHA-256: 64 lower-case hex digits");
        var format = blob.RequiredText("format", FormatPattern, "'weights' or 'json'");
        foreach (var key in (string[])["size", "chunk_size", "chunk_count"])
            blob.Required(key, "an integer");
        if (blob.Integer("size", 1, MaximumBlob) is not { } size || blob.Integer("chunk_size", 1024, MaximumChunk) is not { } chunk
            || blob.Integer("chunk_count", 1, int.MaxValue) is not { } count || hash is null || format is null)
        {
            return null;
        }
        if (count != (size + chunk - 1) / chunk)
            problems.Add(blob.PathOf("chunk_count"), $"found {count}, expected {(size + chunk - 1) / chunk}: {size} bytes in chunks of {chunk}");
        return new StartBlob(hash, size, (int)chunk, (int)count, format);
    }

    [GeneratedRegex(@"\A[0-9a-f]{64}\z")]
    private static partial Regex HashPattern { get; }

    [GeneratedRegex(@"\A(weights|json)\z")]
    private static partial Regex FormatPattern { get; }
}
