using System.Text.Json;

namespace MantaLight.Swarms;

/// <summary>Writes a definition's <c>start</c>.</summary>
internal static class StartWriter
{
    public static void Write(Utf8JsonWriter json, StartDefinition start)
    {
        json.WriteStartObject("start");
        json.WriteNumber("round", start.Round);
        if (start.FromAlias is { } alias)
            json.WriteString("from_alias", alias);
        if (start.FromNodes is { } nodes)
        {
            json.WriteStartArray("from_nodes");
            foreach (var node in nodes.IsDefault ? [] : nodes)
                json.WriteStringValue(node);
            json.WriteEndArray();
        }
        if (start.FromMaximum is { } most)
            json.WriteNumber("from_maximum", most);
        if (start.Globals.Count > 0)
        {
            json.WriteStartObject("globals");
            foreach (var (tag, global) in start.Globals.OrderBy(g => g.Key, StringComparer.Ordinal))
                Write(json, tag, global);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string tag, StartGlobal global)
    {
        json.WriteStartObject(tag);
        if (global.Value is { ValueKind: not JsonValueKind.Undefined } value)
        {
            json.WritePropertyName("value");
            value.WriteTo(json);
        }
        if (global.Blob is { } blob)
        {
            json.WriteStartObject("blob");
            json.WriteString("sha256", blob.Sha256);
            json.WriteNumber("size", blob.Size);
            json.WriteNumber("chunk_size", blob.ChunkSize);
            json.WriteNumber("chunk_count", blob.ChunkCount);
            json.WriteString("format", blob.Format);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
