using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MantaLight.Metrics;
using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>What a finished round tells its watchers.</summary>
internal static class RoundSummaries
{
    private const int MaximumMetrics = 48;

    public static RoundSummary Of(CoordinatorState state, NextRequest? request, DateTimeOffset now)
    {
        var roots = state.Tasks.Values.Where(t => t.Phase == TaskPhase.Committed && state.IsRoot(t.Task)).ToArray();
        var records = roots.SelectMany(t => t.Placed.Values).Select(a => a.Record).OfType<TaskCompleted>().ToArray();
        var training = records.Select(TrainingSeconds).DefaultIfEmpty(0).Max();
        var bytes = state.Traffic.Total - state.Traffic.AtRoundStart;
        return new RoundSummary
        {
            Round = state.Round,
            Metrics = Metrics(state),
            Spread = Spreads(state),
            Participants = records.Length,
            Samples = (long)Math.Min(records.Sum(r => r.Results.Sum(result => (decimal)(result.Samples ?? 0))), long.MaxValue),
            LeftOut = LeftOut(state),
            BytesUp = bytes.Up,
            BytesDown = bytes.Down,
            TrainSeconds = Math.Round(training, 3),
            OverheadSeconds = Math.Round(Math.Max(0, (now - state.RoundBegan).TotalSeconds - training), 3),
            GlobalSha256 = GlobalHash(state),
            Decision = request?.Reason,
            Late = LateRecords.Count(state),
        };
    }

    /// <summary>A round that was given up: nothing that its tasks have reported counts.</summary>
    public static RoundSummary OfSkipped(CoordinatorState state, string reason, DateTimeOffset now) => Of(state, null, now) with
    {
        Metrics = ImmutableSortedDictionary<string, double>.Empty, Spread = null, Participants = 0, Samples = 0, Skipped = Short(reason),
    };

    // What is told of privacy, and whether the most of it is the worst: a mean of nodes would promise more than some of them have.
    private static readonly Dictionary<string, bool> Privacy = new(StringComparer.Ordinal)
    {
        ["epsilon"] = true, ["delta"] = true, ["private"] = false, ["local_epsilon"] = true, ["local_delta"] = true, ["local_private"] = false,
    };

    private static ImmutableSortedDictionary<string, double> Metrics(CoordinatorState state)
    {
        var sums = new SortedDictionary<string, (double Sum, double Weight)>(StringComparer.Ordinal);
        foreach (var (_, result) in InlineObjects(state))
        {
            var weight = Number(result.Content.Value!.Value, "samples") is { } samples and > 0 ? samples : 1;
            foreach (var member in result.Content.Value!.Value.EnumerateObject())
            {
                if (member.Value.ValueKind != JsonValueKind.Number || member.NameEquals("samples") || !member.Value.TryGetDouble(out var value) || !double.IsFinite(value * weight))
                    continue;
                var key = $"{result.Tag}.{member.Name}";
                if (key.Length > 100 || (!sums.ContainsKey(key) && sums.Count >= MaximumMetrics))
                    continue;
                if (sums.TryGetValue(key, out var known) && Privacy.TryGetValue(member.Name, out var isMost))
                    sums[key] = (isMost ? Math.Max(known.Sum, value) : Math.Min(known.Sum, value), 1);
                else
                    sums[key] = Privacy.ContainsKey(member.Name) ? (value, 1) : (known.Sum + (value * weight), known.Weight + weight);
            }
        }
        return sums
            .Where(s => double.IsFinite(s.Value.Sum / s.Value.Weight))
            .ToImmutableSortedDictionary(s => s.Key, s => s.Value.Sum / s.Value.Weight, StringComparer.Ordinal);
    }

    /// <summary>How far apart nodes are, in what they tell of their tests.</summary>
    private static ImmutableArray<MetricSpread>? Spreads(CoordinatorState state)
    {
        var tests = InlineObjects(state).Where(r => r.Staged.Tag == GlobalMetrics.TestTag).DistinctBy(r => r.Node).ToArray();
        ImmutableArray<MetricSpread> spreads =
        [
            .. from name in (string[])["accuracy", "loss"]
               let spread = NodeSpread.Of($"{GlobalMetrics.TestTag}.{name}", [.. ValuesOf(tests, name)])
               where spread is not null
               select new MetricSpread
               {
                   Metric = spread.Metric, Nodes = spread.Nodes, Worst = Short(spread.Worst), WorstNode = spread.WorstNode, StandardDeviation = Short(spread.StandardDeviation),
                   Deciles = [.. spread.Deciles.Select(Short)],
               },
        ];
        return spreads.IsEmpty ? null : spreads;
    }

    private static IEnumerable<(string Node, double Value)> ValuesOf(IEnumerable<(string Node, StagedResult Staged)> results, string name) =>
        from result in results
        let value = Number(result.Staged.Content.Value!.Value, name)
        where value is not null && Math.Abs(value.Value) <= NodeSpread.Largest
        select (result.Node, value.Value);

    // Enough to see, and the state stays small.
    private static double Short(double value) => Math.Abs(value) < 1e9 ? Math.Round(value, 6) : value;

    private static ImmutableArray<NodeTrouble> LeftOut(CoordinatorState state)
    {
        var own = state.Tasks.Values.SelectMany(t => t.Placed.Values
            .Where(a => a.Phase == AttemptPhase.Failed)
            .Select(a => new NodeTrouble { Node = a.Node, Reason = a.Trouble ?? "", LateSeconds = a.LateSeconds })
            .Concat(t.LeftOut.Values)
            .Select(l => l with { Reason = $"{t.Task.Alias}: {l.Reason}" }));
        // An aggregator names the contributions that it could not use.
        var refused = InlineObjects(state)
            .Where(r => r.Staged.Tag == "aggregation" && r.Staged.Content.Value!.Value.TryGetProperty("refused", out var list) && list.ValueKind == JsonValueKind.Array)
            .SelectMany(r => r.Staged.Content.Value!.Value.GetProperty("refused").EnumerateArray())
            .Where(r => r.ValueKind == JsonValueKind.Object)
            .Select(r => new NodeTrouble { Node = Text(r, "node"), Reason = Text(r, "reason") });
        return [.. own.Concat(Asynchrony.LeftOut(state)).Concat(refused).Concat(Absences.Troubles(state)).Take(TaskState.MaximumListed).Select(t => t with { Reason = Short(t.Reason) })];
    }

    private static string Short(string text) => text.Length <= 300 ? text : text[..300];

    private static string? GlobalHash(CoordinatorState state)
    {
        var set = state.Globals.Values.Where(g => g.Round == state.Round && g.Content.Blob is { HoldsWeights: true }).ToArray();
        if (set.Length <= 1)
            return set.FirstOrDefault()?.Content.Blob!.Sha256;
        var lines = string.Concat(set.Select(g => $"{g.Tag}:{g.Content.Blob!.Sha256}\n"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines)));
    }

    private static double TrainingSeconds(TaskCompleted record)
    {
        var metrics = record.Results.FirstOrDefault(r => r.Tag == "train_metrics")?.Content.Value;
        return metrics is { ValueKind: JsonValueKind.Object } value && Number(value, "seconds") is { } seconds ? seconds : record.Seconds;
    }

    private static IEnumerable<(string Node, StagedResult Staged)> InlineObjects(CoordinatorState state) =>
        from task in state.Tasks.Values
        from attempt in task.Placed.Values
        where attempt.Record is not null
        from result in attempt.Record!.Results
        where result.Content.Value is { ValueKind: JsonValueKind.Object }
        select (attempt.Node, result);

    private static double? Number(JsonElement value, string name) =>
        value.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.Number && member.TryGetDouble(out var number) && double.IsFinite(number) ? number : null;

    private static string Text(JsonElement value, string name) =>
        value.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString()! : "";
}
