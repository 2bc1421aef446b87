using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace MantaLight.Benchmarks.Report;

/// <summary><c>docs/benchmarks.json</c> and the tables of <c>docs/benchmarks.md</c>.</summary>
internal static class ReportFiles
{
    /// <summary>Writes both; rows that were not measured now are kept as they were.</summary>
    public static void Write(string folder, IReadOnlyList<Row> rows, DateTimeOffset now)
    {
        var json = Path.Combine(folder, "benchmarks.json");
        var before = File.Exists(json) ? JsonSerializer.Deserialize(File.ReadAllText(json), ReportJson.Default.BenchmarkReport)!.Rows : [];
        var topics = rows.Select(TopicOf).ToHashSet(StringComparer.Ordinal);
        var report = new BenchmarkReport
        {
            Machine = Machine(),
            Date = now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            Rows = [.. before.Where(r => !topics.Contains(TopicOf(r))).Concat(rows).OrderBy(r => r.Name, StringComparer.Ordinal)],
        };
        Directory.CreateDirectory(folder);
        File.WriteAllText(json, JsonSerializer.Serialize(report, ReportJson.Default.BenchmarkReport) + "\n");
        File.WriteAllText(Path.Combine(folder, "benchmarks.md"), Tables(report));
    }

    public static string Machine()
    {
        var model = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : null;
        return string.Create(CultureInfo.InvariantCulture,
            $"{model ?? RuntimeInformation.ProcessArchitecture.ToString()}, {Environment.ProcessorCount} cores, {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9:F0} GB, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}");
    }

    private static string TopicOf(Row row) => row.Name.Split('.')[0];

    private static string Tables(BenchmarkReport report)
    {
        var text = new StringBuilder("# Benchmarks\n\n");
        text.Append(CultureInfo.InvariantCulture, $"Measured on {report.Date}: {report.Machine}. Machines are noisy: what counts is the relation of figures of one row, which come of one run.\n");
        text.Append("Measure again with `dotnet run -c Release --project tests/MantaLight.Benchmarks -- report`, one topic with `--only TOPIC`.\n");
        foreach (var topic in report.Rows.GroupBy(TopicOf))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {topic.Key}\n\n| figure | median (least to greatest) | peer | floor | ratio | target | met |\n|---|---|---|---|---|---|---|\n");
            foreach (var row in topic)
                text.Append(Line(row)).Append('\n');
            foreach (var row in topic.Where(r => r.Note is not null))
                text.Append(CultureInfo.InvariantCulture, $"\n{row.Name}: {row.Note}\n");
        }
        return text.ToString();
    }

    private static string Line(Row row) =>
        $"| {row.Name} | {Number(row.Value)} {row.Unit}{(row.Spread is [var least, var most] ? $" ({Number(least)} to {Number(most)})" : "")} | "
        + $"{(row.Peer is { } peer ? $"{peer}: {Number(row.PeerValue)}" : "")} | {Number(row.Floor)} | {Number(row.Ratio)} | {row.Target} | {(row.Met is { } met ? met ? "yes" : "**no**" : "")} |";

    private static string Number(double? value) => value is not { } number ? "" : Math.Abs(number) switch
    {
        >= 1000 => number.ToString("N0", CultureInfo.InvariantCulture),
        >= 100 => number.ToString("F0", CultureInfo.InvariantCulture),
        >= 10 => number.ToString("F1", CultureInfo.InvariantCulture),
        >= 1 => number.ToString("F2", CultureInfo.InvariantCulture),
        _ => number.ToString("G3", CultureInfo.InvariantCulture),
    };
}
