using System.Text.Json;
using MantaLight.Diagnostics;

namespace MantaLight.Swarms;

/// <summary>Where something is in a JSON text and what it is, for messages.</summary>
internal static class JsonPath
{
    public static string Of(string path, string key) =>
        key.Length is > 0 and <= 64 && key.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
            ? $"{path}.{key}"
            : $"{path}[{KnownNames.Quote(key)}]";

    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => KnownNames.Quote(value.GetString()!),
        JsonValueKind.Number => $"the number {KnownNames.Shorten(value.GetRawText())}",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "an object",
        _ => "null",
    };

    public static bool IsIntegerToken(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && !value.GetRawText().AsSpan().ContainsAny('.', 'e', 'E');

    /// <summary>Reports keys that an object gives twice and text that is no Unicode, anywhere below; false if there was such text.</summary>
    public static bool CheckText(JsonElement value, string path, SwarmProblems problems)
    {
        var sound = true;
        if (value.ValueKind == JsonValueKind.String)
        {
            sound = TryRead(value, static v => v.GetString(), path, problems) is not null;
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var item in value.EnumerateArray())
                sound &= CheckText(item, $"{path}[{index++}]", problems);
        }
        else if (value.ValueKind == JsonValueKind.Object)
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var member in value.EnumerateObject())
            {
                if (TryRead(member, static m => m.Name, path, problems) is not { } key)
                {
                    sound = false;
                    continue;
                }
                if (!seen.Add(key))
                    problems.Add(Of(path, key), "is given twice, expected each key once");
                sound &= CheckText(member.Value, Of(path, key), problems);
            }
        }
        return sound;
    }

    private static string? TryRead<T>(T source, Func<T, string?> read, string path, SwarmProblems problems)
    {
        try
        {
            return read(source);
        }
        catch (InvalidOperationException)
        {
            problems.Add(path, "holds text with half of a surrogate pair, expected Unicode text");
            return null;
        }
    }
}
