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
    public double[]? Spread { get; init; }

    /// <summary>Who else was measured, in the same run; null where nobody was.</summary>
    public string? Peer { get; init; }

    /// <summary>The peer's figure, in the same unit.</summary>
    public double? PeerValue { get; init; }

    /// <summary>What the machine could do at best, in the same unit.</summary>
    public double? Floor { get; init; }

    /// <summary>The figure in relation to what the target speaks of.</summary>
    public double? Ratio { get; init; }

    /// <summary>What is asked for, in words.</summary>
    public string? Target { get; init; }

    /// <summary>Whether it is met; null where there is no target or nothing to compare with.</summary>
    public bool? Met { get; init; }

    /// <summary>Why not, or what else is to be known.</summary>
    public string? Note { get; init; }

    /// <summary>How to measure it again.</summary>
    public string Command => $"dotnet run -c Release --project tests/MantaLight.Benchmarks -- report --only {Name.Split('.')[0]}";
}

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
