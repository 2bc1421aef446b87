using System.Globalization;
using MantaLight.Protocol;
using Spectre.Console;

namespace MantaLight.Cli.Watching;

/// <summary>The rounds of a run as a table.</summary>
internal static class RoundTable
{
    private static readonly string[] Headings = ["Round", "Accuracy", "Local loss", "Up", "Down", "Total", "Training s", "Else s", "Global"];

    /// <summary>The table for a terminal: the last <paramref name="most"/> rounds.</summary>
    public static Table Rich(IEnumerable<RoundView> rounds, int most = int.MaxValue)
    {
        var table = new Table().RoundedBorder();
        foreach (var heading in Headings)
            table.AddColumn(new TableColumn(heading).RightAligned());
        foreach (var round in rounds.TakeLast(most))
            table.AddRow([.. Cells(round).Select(c => new Text(c))]);
        return table;
    }

    /// <summary>Writes the table as aligned text.</summary>
    public static void WritePlain(TextWriter output, IEnumerable<RoundView> rounds)
    {
        string[][] rows = [Headings, .. rounds.Select(Cells)];
        var widths = Headings.Select((_, column) => rows.Max(r => r[column].Length)).ToArray();
        foreach (var row in rows)
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadLeft(widths[column]))));
    }

    private static string[] Cells(RoundView round)
    {
        var summary = round.Summary ?? new RoundSummary();
        return
        [
            round.Number.ToString(CultureInfo.InvariantCulture),
            round.Accuracy is { } accuracy ? Texts.Percent(accuracy, "F2") : "-",
            round.Loss is { } loss ? Texts.Loss(loss) : "-",
            Texts.Bytes(summary.BytesUp),
            Texts.Bytes(summary.BytesDown),
            Texts.Bytes(summary.BytesUp + summary.BytesDown),
            Texts.Seconds(summary.TrainSeconds),
            Texts.Seconds(summary.OverheadSeconds),
            summary.Skipped is not null ? "given up" : summary.GlobalSha256 is { } hash ? Texts.Hash(hash) : "-",
        ];
    }
}
