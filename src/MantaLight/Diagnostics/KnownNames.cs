namespace MantaLight.Diagnostics;

/// <summary>Helps messages about an unknown name: the nearest known one, and a bounded list of all.</summary>
internal static class KnownNames
{
    private const int MaximumListed = 30;
    private const int MaximumShown = 60;

    /// <summary>The name without case and separators: <c>initial_model</c> and <c>InitialModel</c> are one.</summary>
    public static string Plain(string name) =>
        name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>The known name that differs by case and separators alone, or else by few letters; null where none is that near.</summary>
    public static string? Nearest(string name, IEnumerable<string> known)
    {
        if (name.Length > MaximumShown)
            return null;
        var plain = Plain(name);
        string? nearest = null;
        var least = Math.Max(plain.Length >= 4 ? 2 : 1, plain.Length / 3) + 1;
        foreach (var candidate in known)
        {
            var distance = Distance(plain, Plain(candidate));
            if (distance < least)
                (nearest, least) = (candidate, distance);
        }
        return nearest;
    }

    /// <summary>The names, comma-separated; beyond thirty a count.</summary>
    public static string List(IReadOnlyCollection<string> names) => names.Count switch
    {
        0 => "none",
        <= MaximumListed => string.Join(", ", names),
        _ => $"{string.Join(", ", names.Take(MaximumListed))} and {names.Count - MaximumListed} more",
    };

    /// <summary>Foreign text for a message: one line, at most 60 characters, in single quotes.</summary>
    public static string Quote(string text) => $"'{Shorten(text)}'";

    /// <summary>Foreign text for a message: one line, at most 60 characters.</summary>
    public static string Shorten(string text) =>
        string.Concat(text.Take(MaximumShown).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)) + (text.Length > MaximumShown ? "…" : "");

    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
