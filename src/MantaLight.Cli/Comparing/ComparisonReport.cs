using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MantaLight.Cli.Comparing;

/// <summary>A comparison for machines to read.</summary>
internal sealed record ComparisonReport
{
    public required string Swarm { get; init; }
    public required ulong Seed { get; init; }
    public required int Participants { get; init; }
    public required string? Partition { get; init; }
    public required ComparedRun? Centralized { get; init; }
    public required ComparedRun? Federated { get; init; }
    public required AloneSummary? Alone { get; init; }
    public required ImmutableArray<string> Classes { get; init; }
    public required ImmutableArray<ComparedNode> Nodes { get; init; }

    /// <summary>Writes the file, complete or not at all.</summary>
    /// <exception cref="InvalidSettingException">It cannot be written.</exception>
    public async Task WriteAsync(string path)
    {
        var full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            // Also where the caller wants everything to end.
            await File.WriteAllBytesAsync($"{full}.tmp", JsonSerializer.SerializeToUtf8Bytes(this, ComparisonJson.Default.ComparisonReport), CancellationToken.None);
            File.Move($"{full}.tmp", full, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException($"The report {full} cannot be written: {e.Message}", e);
        }
    }
}

/// <summary>A participant's data.</summary>
/// <param name="Node">Its id.</param>
/// <param name="Samples">Training samples.</param>
/// <param name="Classes">Of each class; empty where there are none.</param>
internal sealed record ComparedNode(string Node, long Samples, ImmutableArray<int> Classes);

/// <summary>Those who trained alone, together.</summary>
internal sealed record AloneSummary
{
    public required double? MeanAccuracy { get; init; }
    public required double? BestAccuracy { get; init; }
    public required double? WorstAccuracy { get; init; }
    public required double? MeanLoss { get; init; }
    public required ImmutableArray<ComparedRun> Runs { get; init; }

    /// <summary>Sums them up; null where nobody has.</summary>
    public static AloneSummary? Of(ImmutableArray<ComparedRun> runs)
    {
        if (runs.IsEmpty)
            return null;
        double[] accuracies = [.. runs.Select(r => r.Accuracy).OfType<double>()], losses = [.. runs.Select(r => r.Loss).OfType<double>()];
        return new AloneSummary
        {
            MeanAccuracy = accuracies.Length == 0 ? null : accuracies.Average(),
            BestAccuracy = accuracies.Length == 0 ? null : accuracies.Max(),
            WorstAccuracy = accuracies.Length == 0 ? null : accuracies.Min(),
            MeanLoss = losses.Length == 0 ? null : losses.Average(),
            Runs = runs,
        };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(ComparisonReport))]
internal sealed partial class ComparisonJson : JsonSerializerContext;
