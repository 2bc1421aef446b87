using System.Globalization;
using System.Text;
using MantaLight.Cli.Plots;

namespace MantaLight.Cli.Comparing;

/// <summary>A comparison's folder: a report to read, one for machines, and plots.</summary>
internal static class ComparisonFiles
{
    /// <summary>The report for machines.</summary>
    public const string Json = "comparison.json";

    private const string Markdown = "comparison.md";

    /// <summary>Writes all of it.</summary>
    /// <exception cref="InvalidSettingException">A file cannot be written.</exception>
    public static async Task WriteAsync(string folder, ComparisonReport report, CliConsole console)
    {
        await report.WriteAsync(Path.Combine(folder, Json));
        string[] plots = [.. WritePlots(folder, report)];
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, Markdown), Text(report, plots), CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException($"The report {Path.Combine(folder, Markdown)} cannot be written: {e.Message}", e);
        }
        console.Out.WriteLine($"Report: {Path.GetFullPath(Path.Combine(folder, Markdown))}");
    }

    private static IEnumerable<string> WritePlots(string folder, ComparisonReport report)
    {
        if (Lines(report, r => r.Accuracy * 100) is { Count: > 0 } accuracy)
            yield return Chart("accuracy", "Accuracy on the test data", "per cent", accuracy);
        if (Lines(report, r => r.Loss) is { Count: > 0 } loss)
            yield return Chart("loss", "Loss on the test data", "loss", loss);
        if (Bytes(report) is { Count: > 0 } bytes)
            yield return Chart("bytes", "Bytes sent", "MB", bytes);
        ClassChart.Write(
            $"{report.Swarm}: who has what{(report.Partition is { } partition ? $" ({partition})" : "")}",
            [.. report.Nodes.Select(n => (n.Node, (IReadOnlyList<int>)(report.Classes.IsEmpty ? [(int)n.Samples] : [.. n.Classes])))], [.. report.Classes], Both("classes"));
        yield return "classes";

        string Chart(string name, string title, string beside, List<ChartLine> lines)
        {
            LineChart.Write($"{report.Swarm}: {title}", "epochs on each one's data", beside, lines, Both(name));
            return name;
        }

        string[] Both(string name) => [Path.Combine(folder, $"{name}.png"), Path.Combine(folder, $"{name}.svg")];
    }

    private static List<ChartLine> Lines(ComparisonReport report, Func<ComparedRound, double?> value)
    {
        var lines = new List<ChartLine>();
        foreach (var run in new[] { report.Centralized, report.Federated }.OfType<ComparedRun>())
        {
            ComparedRound[] known = [.. run.Rounds.Where(r => value(r) is not null)];
            if (known.Length > 0)
                lines.Add(new ChartLine(run.Name, [.. known.Select(r => r.Epochs)], [.. known.Select(r => value(r)!.Value)]));
        }
        var alone = (report.Alone?.Runs ?? []).Where(r => !r.Rounds.IsEmpty && r.Rounds.All(round => value(round) is not null)).ToArray();
        if (alone.Length == 0)
            return lines;
        // As far as all of them have come.
        var rounds = alone.Min(r => r.Rounds.Length);
        double[][] columns = [.. Enumerable.Range(0, rounds).Select(i => alone.Select(r => value(r.Rounds[i])!.Value).ToArray())];
        lines.Add(new ChartLine(
            alone.Length == 1 ? "alone" : "alone: mean, range", [.. alone[0].Rounds.Take(rounds).Select(r => r.Epochs)], [.. columns.Select(c => c.Average())],
            alone.Length == 1 ? null : ([.. columns.Select(c => c.Min())], [.. columns.Select(c => c.Max())])));
        return lines;
    }

    private static List<ChartLine> Bytes(ComparisonReport report)
    {
        const double mega = 1e6;
        var lines = new List<ChartLine>();
        if (report.Centralized is { Rounds.IsEmpty: false } centralized)
            lines.Add(new ChartLine("centralized: the data, once", [.. centralized.Rounds.Select(r => r.Epochs)], [.. centralized.Rounds.Select(_ => centralized.BytesSent / mega)]));
        if (report.Federated is { Rounds.IsEmpty: false } federated)
            lines.Add(new ChartLine("federated: weights", [.. federated.Rounds.Select(r => r.Epochs)], [.. federated.Rounds.Select(r => r.BytesSent / mega)]));
        return lines;
    }

    private static string Text(ComparisonReport report, string[] plots)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {report.Swarm}: centralized, federated, alone\n\n");
        text.Append(CultureInfo.InvariantCulture, $"{report.Participants} participants{(report.Partition is { } partition ? $" (`{partition}`)" : "")}, {report.Nodes.Sum(n => n.Samples)} training samples, seed {report.Seed}. All start from the same first weights and are tested on the same data.\n\n");
        text.Append($"| {string.Join(" | ", ComparisonTable.Headings)} |\n|{string.Concat(ComparisonTable.Headings.Select(_ => "---|"))}\n");
        foreach (var row in ComparisonTable.Rows(report))
            text.Append($"| {string.Join(" | ", row.Select(c => c.Trim().Replace("|", "\\|", StringComparison.Ordinal)))} |\n");
        foreach (var trouble in ComparisonTable.Troubles(report))
            text.Append($"\n{trouble}\n");
        foreach (var plot in plots)
            text.Append($"\n![{plot}]({plot}.png)\n");
        return text.ToString();
    }
}
