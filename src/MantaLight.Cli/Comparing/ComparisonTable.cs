using System.Globalization;
using MantaLight.Cli.Watching;
using Spectre.Console;

namespace MantaLight.Cli.Comparing;

/// <summary>The comparison as a table.</summary>
internal static class ComparisonTable
{
    /// <summary>What its columns are.</summary>
    public static string[] Headings { get; } = ["", "Accuracy", "Loss", "Epochs", "Time s", "Training s", "Bytes sent", "Who sees what"];

    /// <summary>Its rows.</summary>
    public static IReadOnlyList<string[]> Rows(ComparisonReport report)
    {
        var rows = new List<string[]>();
        if (report.Centralized is { } centralized)
            rows.Add(Row("centralized", centralized));
        if (report.Federated is { } federated)
            rows.Add(Row(string.Create(CultureInfo.InvariantCulture, $"federated, {report.Participants:N0}"), federated));
        if (report.Alone is not { } alone)
            return rows;
        rows.Add(
        [
            string.Create(CultureInfo.InvariantCulture, $"alone, mean of {alone.Runs.Length}"), Percent(alone.MeanAccuracy), Loss(alone.MeanLoss), Epochs(alone.Runs.Average(r => r.Epochs)),
            Texts.Seconds(alone.Runs.Average(r => r.Seconds)), Texts.Seconds(alone.Runs.Average(r => r.TrainSeconds)), Texts.Bytes(0), Seen.Alone,
        ]);
        foreach (var (title, wanted) in new[] { ("best", alone.BestAccuracy), ("worst", alone.WorstAccuracy) })
        {
            if (wanted is { } accuracy && alone.Runs.Length > 1 && alone.Runs.First(r => r.Accuracy == accuracy) is { } run)
                rows.Add([$"  {title}, {run.Name}", .. Row("", run)[1..]]);
        }
        return rows;
    }

    /// <summary>What did not go as it should have.</summary>
    public static IEnumerable<string> Troubles(ComparisonReport report) =>
        from run in new[] { report.Centralized, report.Federated }.OfType<ComparedRun>().Concat(report.Alone?.Runs ?? [])
        where !run.IsCompleted
        select $"{run.Name} {run.Status} after {run.Rounds.Length} {(run.Rounds.Length == 1 ? "round" : "rounds")}: {Texts.Line(run.Reason ?? "")}";

    /// <summary>Writes it.</summary>
    public static void Write(CliConsole console, ComparisonReport report)
    {
        var rows = Rows(report);
        if (rows.Count > 0)
        {
            console.Out.WriteLine();
            if (console.Rich is { } rich)
                rich.Write(Rich(rows));
            else
                WritePlain(console.Out, rows);
        }
        foreach (var trouble in Troubles(report))
            console.Out.WriteLine(trouble);
    }

    private static Table Rich(IReadOnlyList<string[]> rows)
    {
        var table = new Table().RoundedBorder();
        foreach (var (i, heading) in Headings.Index())
            table.AddColumn(i == 0 || i == Headings.Length - 1 ? new TableColumn(heading) : new TableColumn(heading).RightAligned());
        foreach (var row in rows)
            table.AddRow([.. row.Select(c => new Text(c))]);
        return table;
    }

    private static void WritePlain(TextWriter output, IReadOnlyList<string[]> rows)
    {
        var widths = Headings.Select((heading, column) => Math.Max(heading.Length, rows.Max(r => r[column].Length))).ToArray();
        foreach (var row in rows.Prepend(Headings))
            output.WriteLine(string.Join("  ", row.Select((cell, i) => i == 0 || i == row.Length - 1 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))).TrimEnd());
    }

    private static string[] Row(string name, ComparedRun run) =>
        [name, Percent(run.Accuracy), Loss(run.Loss), Epochs(run.Epochs), Texts.Seconds(run.Seconds), Texts.Seconds(run.TrainSeconds), Texts.Bytes(run.BytesSent), run.Privacy];

    private static string Percent(double? value) => value is { } known ? Texts.Percent(known, "F2") : "-";

    private static string Loss(double? value) => value is { } known ? Texts.Loss(known) : "-";

    private static string Epochs(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
