using System.Globalization;
using System.Text.Json.Serialization;

namespace MantaLight.Benchmarks.Report;

/// <summary>One figure of the report, with what stands beside it.</summary>
internal sealed record Row
{
    /// <summary>What was measured, once in the report: <c>topic.figure</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The figure: the median of several runs.</summary>
    public required double Value { get; init; }

    /// <summary>Its unit.</summary>
    public required string Unit { get; init; }

    /// <summary>The least and the greatest of the runs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double[]? Spread { get; init; }

    /// <summary>Who else was measured, in the same run; null where nobody was.</summary>
    public string? Peer { get; init; }

    /// <summary>The peer's figure, in the same unit.</summary>
    public double? PeerValue { get; init; }

    /// <summary>The least and the greatest of the peer's runs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double[]? PeerSpread { get; init; }

    /// <summary>What the machine could do at best, in the same unit.</summary>
    public double? Floor { get; init; }

    /// <summary>The least and the greatest of the floor's runs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double[]? FloorSpread { get; init; }

    /// <summary>The figure in relation to what the target speaks of.</summary>
    public double? Ratio { get; init; }

    /// <summary>What is asked for, in words.</summary>
    public string? Target { get; init; }

    /// <summary>Whether it is met; null where there is no target or nothing to compare with.</summary>
    public bool? Met { get; init; }

    /// <summary>Why not, or what else is to be known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Note { get; init; }

    /// <summary>Where the figure lies on a curve; null where it is none of a curve's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Point? Point { get; init; }

    /// <summary>When it was measured, where that was not when the report was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Date { get; init; }

    /// <summary>Where it was measured, where that was not where the report was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Machine { get; init; }

    /// <summary>What the verdict came of; null where there is none, or none of today.</summary>
    [JsonIgnore]
    public Judgement? Judgement { get; init; }

    /// <summary>How to measure it again.</summary>
    public string Command => $"dotnet run -c Release --project tests/MantaLight.Benchmarks -- report --only {Name}";

    /// <summary>What it belongs to.</summary>
    [JsonIgnore]
    public string Topic => Name.Split('.')[0];

    /// <summary>A row of several runs.</summary>
    public static Row Of(string name, Sample value, string unit) => new() { Name = name, Value = value.Median, Spread = value.Spread, Unit = unit };

    /// <summary>Beside a peer; as it is where that was not measured.</summary>
    public Row Beside(string name, Sample? peer) => peer is null ? this : this with { Peer = name, PeerValue = peer.Median, PeerSpread = peer.Spread };

    /// <summary>Above a floor; as it is where that was not measured.</summary>
    public Row Above(Sample? floor) => floor is null ? this : this with { Floor = floor.Median, FloorSpread = floor.Spread };

    /// <summary>With a target that it must not exceed; where it does, the note says by how much, and why.</summary>
    /// <param name="figure">What the target speaks of.</param>
    /// <param name="most">The most that it may be.</param>
    /// <param name="why">Why it is missed, where it is.</param>
    public Row AtMost(double figure, double most, string why) => Judge(new Judgement(figure <= most, figure / most - 1, "too much", why, Note), Note);

    /// <summary>With a target that it must reach; where it does not, the note says by how much, and why.</summary>
    /// <inheritdoc cref="AtMost"/>
    public Row AtLeast(double figure, double least, string why) => Judge(new Judgement(figure >= least, 1 - (figure / least), "too little", why, Note), Note);

    /// <summary>With a verdict, beside what else is to be known.</summary>
    public Row Judge(Judgement verdict, string? note) => this with
    {
        Judgement = verdict,
        Met = verdict.IsMet,
        Note = verdict.IsMet ? note : string.Create(CultureInfo.InvariantCulture, $"{note} Missed by {verdict.Off * 100:0.#} % {verdict.How}: {verdict.Why}").TrimStart(),
    };
}

/// <summary>A verdict on one run.</summary>
/// <param name="IsMet">Whether the target is.</param>
/// <param name="Off">By how much it is missed, as a part of it; below 0 where it is not.</param>
/// <param name="How">In which direction.</param>
/// <param name="Why">Why it is missed, where it is.</param>
/// <param name="Note">What else is to be known of that run.</param>
internal sealed record Judgement(bool IsMet, double Off, string How, string Why, string? Note);

/// <summary>A figure's place on a curve.</summary>
/// <param name="Curve">What grows: the first column's head.</param>
/// <param name="At">How much of it.</param>
/// <param name="Series">What is measured of it: another column's head.</param>
internal sealed record Point(string Curve, double At, string Series);

/// <summary>The whole report.</summary>
internal sealed record BenchmarkReport
{
    /// <summary>Processor, cores, memory, system, runtime.</summary>
    public required string Machine { get; init; }

    /// <summary>When it was measured.</summary>
    public required string Date { get; init; }

    /// <summary>The figures, by topic.</summary>
    public required IReadOnlyList<Row> Rows { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(BenchmarkReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
