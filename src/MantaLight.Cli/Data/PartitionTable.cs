using System.Globalization;
using Spectre.Console;

namespace MantaLight.Cli.Data;

/// <summary>Shows who got what: samples, and the training samples of each class.</summary>
internal static class PartitionTable
{
    /// <summary>More nodes than this are summed up in one row.</summary>
    private const int MaximumRows = 40;

    /// <summary>Of more classes than this it is told how many a node has.</summary>
    private const int MaximumClasses = 20;

    /// <summary>Writes the table.</summary>
    public static void Write(CliConsole console, PartitionManifest manifest)
    {
        var classes = manifest.Nodes.Max(n => n.Classes.Length);
        var areMany = classes > MaximumClasses;
        string[] header = ["node", "train", "test", .. areMany ? ["classes"] : manifest.ClassNames ?? [.. Enumerable.Range(0, classes).Select(Text)]];
        var rows = manifest.Nodes.Take(MaximumRows).Select(n => Row(n.Node, n)).ToList();
        if (manifest.Nodes.Length > MaximumRows)
            rows.Add([$"... {manifest.Nodes.Length - MaximumRows} more", .. Enumerable.Repeat("", header.Length - 1)]);
        rows.Add(Row("all", new PartitionOfNode(
            "all",
            manifest.Nodes.Sum(n => n.Train),
            manifest.Test == TestShare.Full ? manifest.Nodes[0].Test : manifest.Nodes.Sum(n => n.Test),
            [.. Enumerable.Range(0, classes).Select(c => manifest.Nodes.Sum(n => n.Classes.ElementAtOrDefault(c)))])));
        if (console.Rich is { } rich)
            WriteRich(rich, header, rows);
        else
            WritePlain(console.Out, header, rows);

        string[] Row(string name, PartitionOfNode part) =>
            [name, Text(part.Train), Text(part.Test), .. areMany ? [Text(part.Classes.Count(c => c > 0))] : Enumerable.Range(0, classes).Select(c => Text(part.Classes.ElementAtOrDefault(c)))];
    }

    private static void WriteRich(IAnsiConsole rich, string[] header, List<string[]> rows)
    {
        var table = new Table().Border(TableBorder.None); // borders between 13 columns would not fit 80 characters
        foreach (var (i, title) in header.Index())
            table.AddColumn(new TableColumn($"[bold]{Markup.Escape(title)}[/]") { Alignment = i == 0 ? Justify.Left : Justify.Right, NoWrap = true, Padding = new Padding(0, 0, 1, 0) });
        foreach (var row in rows)
            table.AddRow([.. row.Select(Markup.Escape)]);
        rich.Write(table);
    }

    private static void WritePlain(TextWriter output, string[] header, List<string[]> rows)
    {
        int[] widths = [.. header.Index().Select(column => Math.Max(column.Item.Length, rows.Max(row => row[column.Index].Length)))];
        foreach (var row in rows.Prepend(header))
        {
            output.WriteLine(string.Join("  ", row.Index().Select(cell =>
                cell.Index == 0 ? cell.Item.PadRight(widths[0]) : cell.Item.PadLeft(widths[cell.Index]))).TrimEnd());
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
