using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MantaLight.Diagnostics;

namespace MantaLight.Partitioning;

/// <summary>How samples are shared out over nodes: who gets which, how they look there, and how few are too few. Written as <c>dirichlet:0.5+noise:0.1+min:10</c>.</summary>
public sealed record PartitionSpec
{
    /// <summary>What <see cref="Parse"/> takes.</summary>
    public const string Allowed = "iid, non-iid-K (K classes per node, 1 to 10), classes:K (the same, to 1000), dirichlet:ALPHA (above 0, at most 1000000; the smaller the more uneven), hsu:ALPHA (the same with as many samples for each), shards:K (K pieces of the samples in order of class for each node, 1 to 1000), sizes:ALPHA (sizes alone, by Dirichlet), power:A (sizes alone, the k-th largest k^-A, above 0 to 10) or key:COLUMN (what has the same value stays together); and behind it, each with a +, rotate:DEGREES (images turned by node, above 0 to 360), noise:SIGMA (that grows from node to node, above 0 to 100) and min:N (samples that each node has at least)";

    private const double MostAlpha = 1_000_000;

    private static readonly string[] Names = ["iid", "classes", "dirichlet", "hsu", "shards", "sizes", "power", "key", "rotate", "noise", "min"];

    /// <summary>Every node gets a random, equal share.</summary>
    public static PartitionSpec Iid { get; } = new();

    /// <summary>Who gets which samples.</summary>
    /// <value>Random, equal shares.</value>
    public PartitionScheme Scheme { get; init; } = new PartitionScheme.Iid();

    /// <summary>How they look there, in the order in which it is done.</summary>
    /// <value>None: as they are.</value>
    public ImmutableArray<FeatureSkew> Skews { get; init; } = [];

    /// <summary>How many samples each node has at least.</summary>
    /// <value>1.</value>
    public int Minimum { get; init; } = 1;

    /// <summary>The column whose values keep samples together; null where classes decide, or chance.</summary>
    public string? KeyColumn => (Scheme as PartitionScheme.Key)?.Column;

    /// <summary>Reads what <see cref="Allowed"/> describes.</summary>
    /// <exception cref="InvalidSettingException">Anything else.</exception>
    public static PartitionSpec Parse(string text)
    {
        var spec = Iid;
        var parts = text.Split('+');
        for (var i = 0; i < parts.Length; i++)
        {
            var part = parts[i];
            if (i == 0 && SchemeOf(part) is { } scheme)
                spec = spec with { Scheme = scheme };
            else if (SkewOf(part) is { } skew)
                spec = spec with { Skews = spec.Skews.Add(skew) };
            else if (spec.Minimum == 1 && Number("min", part) is >= 1 and <= int.MaxValue and var least && least == Math.Floor(least))
                spec = spec with { Minimum = (int)least };
            else
                throw Refusal(text, part, isFirst: i == 0);
        }
        return spec;
    }

    /// <summary>Reads what <see cref="Allowed"/> describes.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PartitionSpec? spec)
    {
        try
        {
            spec = Parse(text);
            return true;
        }
        catch (InvalidSettingException)
        {
            spec = null;
            return false;
        }
    }

    /// <summary>As it is read.</summary>
    public override string ToString() => string.Join('+', [Scheme.ToString()!, .. Skews.Select(s => s.ToString()!), .. Minimum > 1 ? [string.Create(CultureInfo.InvariantCulture, $"min:{Minimum}")] : Array.Empty<string>()]);

    /// <summary>Whether the other says the same.</summary>
    public bool Equals(PartitionSpec? other) => other is not null && Scheme == other.Scheme && Skews.SequenceEqual(other.Skews) && Minimum == other.Minimum;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Scheme, Skews.Length, Minimum);

    private static PartitionScheme? SchemeOf(string part) => part switch
    {
        "iid" => new PartitionScheme.Iid(),
        _ when part.StartsWith("non-iid-", StringComparison.Ordinal) => Whole(part["non-iid-".Length..], 10) is { } few ? new PartitionScheme.Classes(few) : null,
        _ when ValueOf("classes", part) is { } text => Whole(text, 1000) is { } some ? new PartitionScheme.Classes(some) : null,
        _ when ValueOf("shards", part) is { } text => Whole(text, 1000) is { } pieces ? new PartitionScheme.Shards(pieces) : null,
        _ when ValueOf("key", part) is { } column => column.Length is > 0 and <= 256 ? new PartitionScheme.Key(column) : null,
        _ when Number("dirichlet", part) is > 0 and <= MostAlpha and var alpha => new PartitionScheme.Dirichlet(alpha),
        _ when Number("hsu", part) is > 0 and <= MostAlpha and var mixed => new PartitionScheme.Mixture(mixed),
        _ when Number("sizes", part) is > 0 and <= MostAlpha and var spread => new PartitionScheme.Sizes(spread),
        _ when Number("power", part) is > 0 and <= 10 and var exponent => new PartitionScheme.PowerLaw(exponent),
        _ => null,
    };

    private static FeatureSkew? SkewOf(string part) => part switch
    {
        _ when Number("rotate", part) is > 0 and <= 360 and var degrees => new FeatureSkew.Rotation(degrees),
        _ when Number("noise", part) is > 0 and <= 100 and var sigma => new FeatureSkew.Noise(sigma),
        _ => null,
    };

    private static InvalidSettingException Refusal(string text, string part, bool isFirst)
    {
        var name = part.Split(':')[0];
        var why = part == text ? ""
            : !isFirst && SchemeOf(part) is not null ? $": '{part}' says who gets which samples, and stands first"
            : $": '{part}' is none of its parts";
        return new InvalidSettingException(
            $"'{text}' is not a partition{why}{(KnownNames.Nearest(name, Names) is { } near && near != name ? $" (did you mean '{near}'?)" : "")}; allowed are {Allowed}.");
    }

    private static string? ValueOf(string name, string part) =>
        part.Length > name.Length && part[name.Length] == ':' && part.StartsWith(name, StringComparison.Ordinal) ? part[(name.Length + 1)..] : null;

    private static double? Number(string name, string part) =>
        ValueOf(name, part) is { } text && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static int? Whole(string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most ? number : null;
}
