using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using MantaLight.Diagnostics;

namespace MantaLight.Aggregation.Plans;

/// <summary>
/// One part of an aggregation as it is written: <c>trimmed_mean 0.1</c>, <c>adam lr=0.03 tau=0.001</c>, or as an object with the name under <c>part</c>,
/// <c>{ "part": "adam", "lr": 0.03 }</c>. Who reads it takes the values that it knows; what is left is a mistake.
/// </summary>
internal sealed class PartText
{
    private const string NameKey = "part";

    private readonly Dictionary<string, string> named = new(StringComparer.Ordinal);
    private readonly Queue<string> values = new();
    private readonly List<string> known = [];

    private PartText(string name) => Name = name;

    /// <summary>The part's name.</summary>
    public string Name { get; }

    /// <summary>Reads a part.</summary>
    /// <exception cref="InvalidSettingException">It is neither a text nor such an object.</exception>
    public static PartText Parse(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => Parse(json.GetString()!),
        JsonValueKind.Object => OfObject(json),
        _ => throw new InvalidSettingException($"{json.GetRawText()} is no part of an aggregation; expected a text such as \"trimmed_mean 0.1\", or an object such as {{ \"part\": \"adam\", \"lr\": 0.03 }}."),
    };

    /// <summary>Reads a part that is a text.</summary>
    /// <exception cref="InvalidSettingException">It has no name, or an option twice.</exception>
    public static PartText Parse(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0 || words[0].Contains('=', StringComparison.Ordinal))
            throw new InvalidSettingException($"'{text}' is no part of an aggregation: it begins with a name, as in 'trimmed_mean 0.1'.");
        var part = new PartText(words[0]);
        foreach (var word in words.Skip(1))
        {
            var at = word.IndexOf('=', StringComparison.Ordinal);
            if (at < 0)
                part.values.Enqueue(word);
            else if (!part.named.TryAdd(word[..at], word[(at + 1)..]))
                throw new InvalidSettingException($"'{text}' has '{word[..at]}' twice.");
        }
        return part;
    }

    /// <summary>An option, or the value that stands at its place without a name; null where it is left out.</summary>
    /// <exception cref="InvalidSettingException">It is no such number, or not within its range.</exception>
    public double? Number(string key, Func<double, bool> isFine, string range, bool isPositional = false)
    {
        if (Take(key, isPositional) is not { } text)
            return null;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) && isFine(number)
            ? number
            : throw new InvalidSettingException($"'{Name}' takes {range} as '{key}', not '{text}'.");
    }

    /// <inheritdoc cref="Number"/>
    public int? Whole(string key, int least, bool isPositional = false) =>
        (int?)Number(key, n => n >= least && n <= int.MaxValue && n == Math.Floor(n), string.Create(CultureInfo.InvariantCulture, $"a whole number, {least} or more,"), isPositional);

    /// <summary>An option that is one of some words; the first of them where it is left out.</summary>
    /// <exception cref="InvalidSettingException">It is none of them.</exception>
    public string Word(string key, params string[] words)
    {
        if (Take(key, isPositional: false) is not { } text)
            return words[0];
        return words.Contains(text, StringComparer.Ordinal) ? text : throw new InvalidSettingException($"'{Name}' takes {string.Join(" or ", words)} as '{key}', not '{text}'.");
    }

    /// <summary>An option as it is written; null where it is left out.</summary>
    public string? Text(string key) => Take(key, isPositional: false);

    /// <summary>Says that all options were asked for.</summary>
    /// <exception cref="InvalidSettingException">There are others.</exception>
    public void End()
    {
        if (values.Count > 0)
            throw new InvalidSettingException($"'{Name}' does not know what to do with '{values.Peek()}'{Expected()}.");
        if (named.Keys.Order(StringComparer.Ordinal).FirstOrDefault() is { } other)
            throw new InvalidSettingException($"'{Name}' has no option '{other}'{(KnownNames.Nearest(other, known) is { } near ? $" (did you mean '{near}'?)" : "")}{Expected()}.");
    }

    private static PartText OfObject(JsonElement json)
    {
        if (!json.TryGetProperty(NameKey, out var name) || name.ValueKind != JsonValueKind.String || name.GetString() is not { Length: > 0 } text)
            throw new InvalidSettingException($"{json.GetRawText()} does not say which part it is; expected its name as '{NameKey}', as in {{ \"{NameKey}\": \"adam\", \"lr\": 0.03 }}.");
        var part = new PartText(text);
        foreach (var member in json.EnumerateObject().Where(m => m.Name != NameKey))
        {
            if (member.Value.ValueKind is not (JsonValueKind.Number or JsonValueKind.String or JsonValueKind.True or JsonValueKind.False))
                throw new InvalidSettingException($"'{text}' takes a number, a text, true or false as '{member.Name}'.");
            part.named[member.Name] = member.Value.ValueKind is JsonValueKind.True or JsonValueKind.False ? member.Value.GetRawText() : member.Value.ToString();
        }
        return part;
    }

    private string? Take(string key, bool isPositional)
    {
        known.Add(key);
        if (named.Remove(key, out var text))
            return text;
        return isPositional && values.TryDequeue(out var value) ? value : null;
    }

    private string Expected() => known.Count == 0 ? "; it takes none" : $"; it takes {string.Join(", ", known.Distinct(StringComparer.Ordinal))}";
}
