using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>A run for machines to read: what the summary shows, with the numbers of each node.</summary>
internal sealed record RunReport
{
    public required string Status { get; init; }
    public required string? Reason { get; init; }
    public required string Swarm { get; init; }
    public required ulong Seed { get; init; }
    public required string? Run { get; init; }
    public required int Nodes { get; init; }
    public required string? Partition { get; init; }
    public required ImmutableArray<RoundReport> Rounds { get; init; }
    public ImmutableArray<PrivacyReport> Privacy { get; init; } = [];
    public required long BytesUp { get; init; }
    public required long BytesDown { get; init; }
    public required double Seconds { get; init; }

    /// <summary>Finds out before the run, not after it, whether the file can be written.</summary>
    /// <exception cref="InvalidSettingException">It cannot be.</exception>
    public static void RequireWritable(string path)
    {
        var full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.Delete($"{full}.tmp");
            File.Create($"{full}.tmp").Dispose();
            File.Delete($"{full}.tmp");
            if (Directory.Exists(full))
                throw new IOException("it is a folder");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException($"The report {full} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Writes the file, complete or not at all.</summary>
    /// <exception cref="InvalidSettingException">It cannot be written.</exception>
    public async Task WriteAsync(string path, CancellationToken cancellationToken)
    {
        var full = Path.GetFullPath(path);
        var unfinished = $"{full}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            await File.WriteAllBytesAsync(unfinished, JsonSerializer.SerializeToUtf8Bytes(this, RunReportJson.Default.RunReport), cancellationToken);
            File.Move(unfinished, full, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException($"The report {full} cannot be written: {e.Message}", e);
        }
    }
}

/// <summary>One round of a <see cref="RunReport"/>.</summary>
internal sealed record RoundReport
{
    public required int Round { get; init; }
    public required double? Accuracy { get; init; }
    public required double? Loss { get; init; }
    public required long BytesUp { get; init; }
    public required long BytesDown { get; init; }
    public required double TrainSeconds { get; init; }
    public required double OverheadSeconds { get; init; }
    public required string? GlobalSha256 { get; init; }
    public required int Participants { get; init; }
    public required ImmutableArray<NodeTrouble> LeftOut { get; init; }
    public required int Late { get; init; }
    public required string? Skipped { get; init; }
    public required string? Decision { get; init; }
    public required ImmutableSortedDictionary<string, double> Metrics { get; init; }
    public required ImmutableArray<MetricSpread> Spread { get; init; }
    public required ImmutableArray<JsonObject> Nodes { get; init; }

    /// <summary>The report of a finished round.</summary>
    public static RoundReport Of(RoundView round)
    {
        var summary = round.Summary!;
        return new RoundReport
        {
            Round = round.Number,
            Accuracy = round.Accuracy,
            Loss = round.Loss,
            BytesUp = summary.BytesUp,
            BytesDown = summary.BytesDown,
            TrainSeconds = summary.TrainSeconds,
            OverheadSeconds = summary.OverheadSeconds,
            GlobalSha256 = summary.GlobalSha256,
            Participants = summary.Participants,
            LeftOut = summary.LeftOut,
            Late = summary.Late,
            Skipped = summary.Skipped,
            Decision = summary.Decision,
            Metrics = summary.Metrics,
            Spread = summary.Spread ?? [],
            Nodes = [.. round.Results.Where(r => r.Tag is "train_metrics" or "test_metrics").GroupBy(r => r.Node).Select(NodeOf)],
        };
    }

    /// <summary>Training numbers by their own names; those of tests too, but behind <c>test_</c> where training has the name.</summary>
    private static JsonObject NodeOf(IGrouping<string, (string Node, string Alias, string Tag, JsonElement Value)> results)
    {
        var node = new JsonObject { ["node"] = results.Key };
        foreach (var member in results.Where(r => r.Tag == "train_metrics").SelectMany(r => r.Value.EnumerateObject()))
            node[member.Name] = Copy(member.Value);
        foreach (var member in results.Where(r => r.Tag == "test_metrics").SelectMany(r => r.Value.EnumerateObject()))
            node[member.NameEquals("loss") || member.NameEquals("samples") ? $"test_{member.Name}" : member.Name] = Copy(member.Value);
        return node;
    }

    // Whatever a task of somebody's own has told of itself.
    private static JsonNode? Copy(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(value),
        JsonValueKind.Array => JsonArray.Create(value),
        _ => JsonValue.Create(value),
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(RunReport))]
internal sealed partial class RunReportJson : JsonSerializerContext;
