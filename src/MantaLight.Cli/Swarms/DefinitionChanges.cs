using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Swarms;

namespace MantaLight.Cli.Swarms;

/// <summary>Changes to a definition from the command line.</summary>
/// <param name="Settings"><c>path=value</c> below <c>globals</c>; the value is JSON or, where it is not, text.</param>
/// <param name="Rounds">Another <c>rounds.maximum</c>.</param>
/// <param name="Seed">Another seed.</param>
internal sealed record DefinitionChanges(ImmutableArray<string> Settings, int? Rounds = null, ulong? Seed = null)
{
    private const int MaximumListed = 40;

    /// <summary>Whether nothing changes.</summary>
    public bool IsEmpty => Settings.IsEmpty && Rounds is null && Seed is null;

    /// <summary>Changes a definition's text.</summary>
    /// <exception cref="InvalidSettingException">A setting has no place in it; the message lists what there is.</exception>
    /// <exception cref="InvalidSwarmException">The text is no JSON.</exception>
    public byte[] ApplyTo(byte[] utf8)
    {
        if (Parse(utf8) is not JsonObject definition)
            return utf8; // Its reader says what is wrong with it.
        if (Rounds is { } rounds)
        {
            if (definition["rounds"] is not JsonObject part)
                definition["rounds"] = part = [];
            part["maximum"] = rounds;
        }
        if (Seed is { } seed)
            definition["seed"] = seed;
        foreach (var setting in Settings)
            Set(definition, setting);
        return Encoding.UTF8.GetBytes(definition.ToJsonString());
    }

    private static JsonNode? Parse(byte[] utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8.AsMemory(utf8.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0), new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                AllowDuplicateProperties = false,
                MaxDepth = SwarmJson.MaximumDepth,
            });
            // A copy in nodes, which keep numbers as they are written.
            return JsonNode.Parse(document.RootElement.GetRawText(), null, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void Set(JsonObject definition, string setting)
    {
        var equals = setting.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1)
            throw new InvalidSettingException($"--set '{setting}' is not possible; expected is PATH=VALUE, for example hyperparameters.lr=0.02.");
        var path = setting[..equals];
        var value = Value(setting[(equals + 1)..]);
        if (definition["globals"] is not JsonObject globals)
            throw new InvalidSettingException($"--set {path}: the definition has no globals to change.");
        var (parent, key) = Find(globals, path);
        parent[key] = value;
    }

    /// <summary>Where a path leads: segment by segment, each a direct member or else the only deeper one of that name.</summary>
    private static (JsonObject Parent, string Key) Find(JsonObject globals, string path)
    {
        var (parent, key) = (globals, "");
        JsonNode? node = globals;
        foreach (var segment in path.Split('.'))
        {
            if (node is not JsonObject here)
                throw Unknown(globals, path, $"'{segment}' has no place in {(key.Length == 0 ? "it" : $"'{key}', which is a value")}");
            (parent, key) = here.ContainsKey(segment) ? (here, segment) : OnlyBelow(globals, here, segment, path);
            node = parent[key];
        }
        return (parent, key);
    }

    private static (JsonObject Parent, string Key) OnlyBelow(JsonObject globals, JsonObject here, string segment, string path)
    {
        JsonObject[] holders = [.. Objects(here).Where(o => o != here && o.ContainsKey(segment))];
        return holders.Length switch
        {
            1 => (holders[0], segment),
            0 => throw Unknown(globals, path, $"there is no '{segment}'"),
            _ => throw new InvalidSettingException(
                $"--set {path}: '{segment}' is in several places; say which: {string.Join(", ", holders.Select(o => PathOf(o[segment]!, o, segment)))}."),
        };
    }

    private static InvalidSettingException Unknown(JsonObject globals, string path, string why)
    {
        string[] known = [.. Objects(globals).SelectMany(o => o.Where(m => m.Value is not JsonObject).Select(m => PathOf(m.Value, o, m.Key)))];
        var list = known.Length == 0 ? "nothing" : string.Join(", ", known.Take(MaximumListed)) + (known.Length > MaximumListed ? ", …" : "");
        return new InvalidSettingException($"--set {path}: {why} below globals. There is: {list}.");
    }

    // A null member is no node, so its path comes from its holder.
    private static string PathOf(JsonNode? node, JsonObject holder, string key) =>
        (node?.GetPath() ?? $"{holder.GetPath()}.{key}").Replace("$.globals.", "", StringComparison.Ordinal);

    private static IEnumerable<JsonObject> Objects(JsonObject root) =>
        root.Select(m => m.Value).OfType<JsonObject>().SelectMany(Objects).Prepend(root);

    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }
}
