using System.Globalization;
using System.Text.Json;

namespace MantaLight.Cli.Watching;

/// <summary>How numbers and names are written for people.</summary>
internal static class Texts
{
    /// <summary>A part of one as in <c>92.3%</c>.</summary>
    public static string Percent(double value, string format = "F1") => $"{(value * 100).ToString(format, CultureInfo.InvariantCulture)}%";

    /// <summary>A loss as in <c>0.312</c>.</summary>
    public static string Loss(double value) => value.ToString("F3", CultureInfo.InvariantCulture);

    /// <summary>Seconds as in <c>7.4</c>.</summary>
    public static string Seconds(double value) => value.ToString("F1", CultureInfo.InvariantCulture);

    /// <summary>A time that lasts as in <c>34 s</c>.</summary>
    public static string Span(TimeSpan time) => time switch
    {
        { TotalMinutes: < 3 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, Math.Floor(time.TotalSeconds)):F0} s"),
        { TotalHours: < 3 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(time.TotalMinutes):F0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(time.TotalHours):F0} h"),
    };

    /// <summary>What a swarm was waiting for at some time before.</summary>
    public static string AsOf(string waiting, TimeSpan age) => $"{Line(waiting)} (as of {Span(age)} ago)";

    /// <summary>Bytes as in <c>5.4 MB</c>, in powers of ten.</summary>
    public static string Bytes(long value) => value switch
    {
        < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{value} B"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e3:F1} kB"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e6:F1} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value / 1e9:F2} GB"),
    };

    /// <summary>The first digits of a hash.</summary>
    public static string Hash(string? hash) => hash is { Length: > 12 } ? hash[..12] : hash ?? "";

    /// <summary>A status or a key as on the wire.</summary>
    public static string Snake<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    /// <summary>An alias at the beginning of a line.</summary>
    public static string Title(string alias) => alias.Length == 0 ? alias : char.ToUpperInvariant(alias[0]) + alias[1..];

    /// <summary>Text from the wire on one line and without control characters, so that nobody can steer a terminal.</summary>
    public static string Line(string text) => string.Concat(text.ReplaceLineEndings(" ").Where(c => !char.IsControl(c)));
}

/// <summary>Reads values that anybody may have written.</summary>
internal static class Json
{
    /// <summary>A member that is a number; null where there is none.</summary>
    public static double? Number(JsonElement value, string name) =>
        value.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.Number && member.TryGetDouble(out var number) ? number : null;
}
