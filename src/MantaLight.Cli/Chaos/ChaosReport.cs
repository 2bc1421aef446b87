using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MantaLight.Cli.Chaos;

/// <summary>A trial for machines to read.</summary>
internal sealed record ChaosReport
{
    /// <summary>What was not as it should be; empty where the swarm has passed.</summary>
    public required ImmutableArray<string> Problems { get; init; }
    public required string Swarm { get; init; }
    public required string Broker { get; init; }
    public required int Nodes { get; init; }
    public required ulong Seed { get; init; }

    /// <summary>How many faults were asked for.</summary>
    public required int Planned { get; init; }

    /// <summary>How many have happened.</summary>
    public required int Faults { get; init; }

    /// <summary>How many of them met nothing that was under way: a connection over which no chunk went, a disk to which nothing was written.</summary>
    public int Idle => Happened.Count(f => f.Idle);

    /// <summary>How many of them found the one they struck in the middle of its work; the others came before it or after it.</summary>
    public int AtWork => Happened.Count(f => f.AtWork);

    /// <summary>How many rounds the undisturbed run had.</summary>
    public required int Rounds { get; init; }

    /// <summary>How many of them the run under faults did not commit.</summary>
    public required int RoundsLost { get; init; }

    /// <summary>Whether the final global has the hash of the undisturbed run's.</summary>
    public required bool HashEqual { get; init; }
    public required string? GlobalSha256 { get; init; }
    public required string? UndisturbedSha256 { get; init; }

    /// <summary>Attempts that were executed more than once.</summary>
    public required int ReexecutedAttempts { get; init; }

    /// <summary>How long recoveries took, by kind of fault.</summary>
    public required ImmutableSortedDictionary<string, Recoveries> Recoveries { get; init; }

    /// <summary>Kinds that are not possible here, with the reason.</summary>
    public required ImmutableSortedDictionary<string, string> NotPossible { get; init; }

    /// <summary>Each fault.</summary>
    public required ImmutableArray<FaultReport> Happened { get; init; }
    public required double UndisturbedSeconds { get; init; }
    public required double Seconds { get; init; }

    /// <summary>The folder with the logs, where it was kept.</summary>
    public string? Logs { get; init; }

    /// <summary>Whether the swarm has passed.</summary>
    [JsonIgnore]
    public bool Passed => Problems.IsEmpty && HashEqual && RoundsLost == 0;

    /// <summary>Writes the file.</summary>
    /// <exception cref="InvalidSettingException">It cannot be written.</exception>
    public async Task WriteAsync(string path, CancellationToken cancellationToken)
    {
        var full = Path.GetFullPath(path);
        try
        {
            await File.WriteAllBytesAsync($"{full}.tmp", JsonSerializer.SerializeToUtf8Bytes(this, ChaosReportJson.Default.ChaosReport), cancellationToken);
            File.Move($"{full}.tmp", full, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException($"The report {full} cannot be written: {e.Message}", e);
        }
    }
}

/// <summary>One fault, as it happened.</summary>
internal sealed record FaultReport
{
    public required int Number { get; init; }
    public required string Kind { get; init; }
    public required int Round { get; init; }
    public required string Alias { get; init; }
    public required string? Target { get; init; }

    /// <summary>Until its recovery was proven; null where the run had completed before.</summary>
    public required double? RecoverySeconds { get; init; }
    public required string? Note { get; init; }

    /// <summary>Whether it met nothing that was under way.</summary>
    public bool Idle { get; init; }

    /// <summary>Whether the one it struck was in the middle of its work.</summary>
    public bool AtWork { get; init; }
}

/// <summary>How long recoveries of a kind took.</summary>
internal sealed record Recoveries
{
    public required int Count { get; init; }
    public required double MedianSeconds { get; init; }
    public required double MaximumSeconds { get; init; }

    /// <summary>By kind of fault.</summary>
    public static ImmutableSortedDictionary<string, Recoveries> Of(IEnumerable<FaultReport> faults) => faults
        .Where(f => f.RecoverySeconds is not null)
        .GroupBy(f => f.Kind, f => f.RecoverySeconds!.Value)
        .ToImmutableSortedDictionary(g => g.Key, g => Of([.. g.Order()]), StringComparer.Ordinal);

    private static Recoveries Of(double[] sorted) => new()
    {
        Count = sorted.Length,
        MedianSeconds = Math.Round((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, 3),
        MaximumSeconds = Math.Round(sorted[^1], 3),
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(ChaosReport))]
internal sealed partial class ChaosReportJson : JsonSerializerContext;
