using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using MantaLight.Diagnostics;

namespace MantaLight.Swarms;

/// <summary>Reads the members of one JSON object; whatever is not as expected becomes a problem with its path, and the read goes on.</summary>
internal sealed partial class JsonObjectReader
{
    private const string IdRule = "1 to 64 characters of A-Za-z0-9_-";

    private readonly Dictionary<string, JsonElement> members = new(StringComparer.Ordinal);
    private readonly SwarmProblems problems;

    private JsonObjectReader(JsonElement element, string path, SwarmProblems problems, string[] known)
    {
        Path = path;
        this.problems = problems;
        foreach (var member in element.EnumerateObject())
        {
            members[member.Name] = member.Value;
            if (!known.Contains(member.Name, StringComparer.Ordinal))
                problems.Add(JsonPath.Of(path, member.Name), UnknownKey(member.Name, known));
        }
    }

    public string Path { get; }

    /// <summary>Null, and a problem, where the element is no object.</summary>
    public static JsonObjectReader? Open(JsonElement element, string path, SwarmProblems problems, params string[] known)
    {
        if (element.ValueKind == JsonValueKind.Object)
            return new JsonObjectReader(element, path, problems, known);
        problems.Add(path, $"found {JsonPath.Describe(element)}, expected an object with the keys {KnownNames.List(known)}");
        return null;
    }

    public static bool IsId(string text) => IdPattern.IsMatch(text);

    public string PathOf(string key) => JsonPath.Of(Path, key);

    public bool TryGet(string key, out JsonElement value) => members.TryGetValue(key, out value);

    public JsonElement? Required(string key, string expected)
    {
        if (members.TryGetValue(key, out var value))
            return value;
        problems.Add(PathOf(key), $"is missing, expected {expected}");
        return null;
    }

    public string? RequiredText(string key, Regex pattern, string expected) =>
        Required(key, expected) is { } value ? Text(value, PathOf(key), pattern, expected) : null;

    public string? RequiredId(string key, string what) => RequiredText(key, IdPattern, $"{what}: {IdRule}");

    public bool Flag(string key)
    {
        if (!TryGet(key, out var value) || value.ValueKind == JsonValueKind.False)
            return false;
        if (value.ValueKind != JsonValueKind.True)
            problems.Add(PathOf(key), $"found {JsonPath.Describe(value)}, expected true or false");
        return true;
    }

    /// <summary>An integer token in the range; null, with a problem where it is something else.</summary>
    public long? Integer(string key, long least, long most)
    {
        if (!TryGet(key, out var value))
            return null;
        if (JsonPath.IsIntegerToken(value) && value.TryGetInt64(out var number) && number >= least && number <= most)
            return number;
        problems.Add(PathOf(key), string.Create(CultureInfo.InvariantCulture,
            $"found {JsonPath.Describe(value)}, expected an integer from {least} to {most}"));
        return null;
    }

    /// <summary>A list of distinct ids; one that is none is reported and stays as empty text, so that positions stay right.</summary>
    public ImmutableArray<string> Ids(string key, string what)
    {
        if (!TryGet(key, out var value))
            return [];
        if (value.ValueKind != JsonValueKind.Array)
        {
            problems.Add(PathOf(key), $"found {JsonPath.Describe(value)}, expected a list of {what}s");
            return [];
        }
        var ids = ImmutableArray.CreateBuilder<string>(value.GetArrayLength());
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            var path = $"{PathOf(key)}[{index}]";
            var id = Text(item, path, IdPattern, $"a {what}: {IdRule}");
            if (id is not null && !first.TryAdd(id, index))
                problems.Add(path, $"'{id}' is already at [{first[id]}], expected each {what} once");
            ids.Add(id ?? "");
            index++;
        }
        return ids.DrainToImmutable();
    }

    public string? Text(JsonElement value, string path, Regex pattern, string expected)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } text && pattern.IsMatch(text))
            return text;
        problems.Add(path, $"found {JsonPath.Describe(value)}, expected {expected}");
        return null;
    }

    private static string UnknownKey(string key, string[] known)
    {
        var hint = KnownNames.Nearest(key, known) switch
        {
            null => "",
            var near when KnownNames.Plain(near) == KnownNames.Plain(key) => $", keys are snake_case: write '{near}'",
            var near => $", did you mean '{near}'?",
        };
        return $"unknown key{hint}; expected one of: {KnownNames.List(known)}";
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_-]{1,64}\z")]
    private static partial Regex IdPattern { get; }
}
