using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MantaLight.Benchmarks.Report;

/// <summary><c>benchmarks.json</c> and <c>benchmarks.md</c>.</summary>
internal static class ReportFiles
{
    /// <summary>Writes both; rows that were not measured now are kept as they were, with when and where that was.</summary>
    public static void Write(string folder, IReadOnlyList<Topic> topics, IReadOnlyList<Row> rows, DateTimeOffset now)
    {
        Directory.CreateDirectory(folder);
        var json = Path.Combine(folder, "benchmarks.json");
        var before = File.Exists(json) ? JsonSerializer.Deserialize(File.ReadAllText(json), ReportJson.Default.BenchmarkReport) : null;
        var report = Merge(before, rows, topics, Machine(), now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        File.WriteAllText(json, JsonSerializer.Serialize(report, ReportJson.Default.BenchmarkReport) + "\n");
        File.WriteAllText(Path.Combine(folder, "benchmarks.md"), Markdown.Of(report, topics));
    }

    /// <summary>New rows beside those of an older report; a row's date and machine are told where they are not the report's.</summary>
    public static BenchmarkReport Merge(BenchmarkReport? before, IReadOnlyList<Row> rows, IReadOnlyList<Topic> topics, string machine, string date)
    {
        var measured = rows.Select(r => r.Name).ToHashSet(StringComparer.Ordinal);
        var kept = (before?.Rows ?? []).Where(r => !measured.Contains(r.Name)).Select(r =>
        {
            var (when, where) = (r.Date ?? before!.Date, r.Machine ?? before!.Machine);
            return r with { Date = when == date ? null : when, Machine = where == machine ? null : where };
        });
        // In the order in which they are measured; what is measured no longer comes last.
        string[] order = [.. topics.SelectMany(t => t.Rows)];
        string[] names = [.. topics.Select(t => t.Name)];
        return new BenchmarkReport
        {
            Machine = machine,
            Date = date,
            Rows = [.. kept.Concat(rows)
                .OrderBy(r => Place(names, r.Topic)).ThenBy(r => r.Topic, StringComparer.Ordinal).ThenBy(r => Place(order, r.Name)).ThenBy(r => r.Name, StringComparer.Ordinal)],
        };
    }

    private static int Place(string[] names, string name) => Array.IndexOf(names, name) is >= 0 and var index ? index : int.MaxValue;

    private static string Machine()
    {
        var model = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : null;
        return string.Create(CultureInfo.InvariantCulture,
            $"{model ?? RuntimeInformation.ProcessArchitecture.ToString()}, {Environment.ProcessorCount} cores, {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9:F0} GB, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}");
    }
}
