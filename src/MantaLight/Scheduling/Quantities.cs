using System.Buffers;
using System.Globalization;

namespace MantaLight.Scheduling;

/// <summary>Times and amounts of bytes as people write them.</summary>
internal static class Quantities
{
    private static readonly (string Unit, double Seconds)[] Times = [("s", 1), ("m", 60), ("min", 60), ("h", 3600), ("d", 86400)];

    private static readonly (string Unit, double Bytes)[] Amounts =
    [
        ("B", 1), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
    ];

    /// <summary>A time above zero: <c>00:30:00</c>, <c>90 s</c>, <c>30m</c>, <c>1.5 h</c>.</summary>
    /// <exception cref="InvalidSettingException">It is none.</exception>
    public static TimeSpan Time(string text)
    {
        if (text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) && time > TimeSpan.Zero)
            return time;
        // Thirty years is longer than any run.
        return Read(text, Times) is { } seconds and > 0 and <= 1e9
            ? TimeSpan.FromSeconds(seconds)
            : throw new InvalidSettingException($"'{text}' is no time; write it as 00:30:00, or as a number with one of {Units(Times)}, as in '30m'.");
    }

    /// <summary>An amount of bytes, at least one: <c>2GB</c> (powers of ten), <c>1.5 MiB</c> (of two).</summary>
    /// <exception cref="InvalidSettingException">It is none.</exception>
    public static long Bytes(string text) => Read(text, Amounts) is { } bytes and >= 1 and <= 1e18
        ? (long)bytes
        : throw new InvalidSettingException($"'{text}' is no amount of bytes; write a number with one of {Units(Amounts)}, as in '2GB'.");

    /// <summary>An amount of bytes for people.</summary>
    public static string Text(long bytes)
    {
        var (unit, size) = bytes switch { < 1_000 => ("B", 1d), < 1_000_000 => ("kB", 1e3), < 1_000_000_000 => ("MB", 1e6), < 1_000_000_000_000 => ("GB", 1e9), _ => ("TB", 1e12) };
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / size:0.##} {unit}");
    }

    /// <summary>A number for people: six digits behind the point at most.</summary>
    public static string Text(double value) => value.ToString("0.######", CultureInfo.InvariantCulture);

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    private static double? Read(string text, (string Unit, double Size)[] units)
    {
        var at = text.AsSpan().IndexOfAnyExcept(Digits);
        if (at <= 0 || !double.TryParse(text.AsSpan(0, at), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return null;
        var name = text.AsSpan(at).Trim();
        foreach (var (unit, size) in units)
        {
            if (name.SequenceEqual(unit))
                return number * size;
        }
        return null;
    }

    private static string Units((string Unit, double Size)[] units) => string.Join(", ", units.Select(u => u.Unit));
}
