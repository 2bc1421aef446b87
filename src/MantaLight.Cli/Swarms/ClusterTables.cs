using System.Globalization;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;
using Spectre.Console;

namespace MantaLight.Cli.Swarms;

/// <summary>Nodes and swarms as tables on a terminal, else as aligned text.</summary>
internal static class ClusterTables
{
    private static readonly string[] NodeHeadings = ["Node", "Data sets", "Modules", "Tags", "Since"];
    private static readonly string[] SwarmHeadings = ["Swarm", "State", "Round", "Accuracy", "Reason"];

    /// <summary>Writes the nodes that are online.</summary>
    public static void WriteNodes(CliConsole console, IReadOnlyCollection<Presence> nodes) =>
        Write(console, "No node is online.", NodeHeadings, nodes.OrderBy(n => n.From, StringComparer.Ordinal).Select(NodeCells));

    /// <summary>Writes swarms.</summary>
    public static void WriteSwarms(CliConsole console, IEnumerable<SwarmRow> swarms, DateTimeOffset now) =>
        Write(console, "There is no swarm.", SwarmHeadings, swarms.Select(s => SwarmCells(s, now)));

    private static string[] NodeCells(Presence node) =>
    [
        node.From,
        string.Join(", ", node.Datasets.Select(DatasetText)),
        string.Join(", ", node.Modules),
        string.Join(", ", node.Tags),
        node.Started.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture),
    ];

    private static string DatasetText(PresentDataset dataset) => dataset switch
    {
        { Problem: { } problem } => $"{dataset.Name} ({problem})",
        { Train: { } train } => string.Create(CultureInfo.InvariantCulture, $"{dataset.Name} ({train}+{dataset.Test ?? 0})"),
        _ => dataset.Name,
    };

    private static string[] SwarmCells(SwarmRow row, DateTimeOffset now) =>
    [
        row.Id,
        row.State is { } known ? Texts.Snake(known.Status) : "not started",
        row.State is { } state ? string.Create(CultureInfo.InvariantCulture, $"{state.Round}/{state.MaximumRounds}") : "-",
        row.Accuracy is { } accuracy ? Texts.Percent(accuracy, "F2") : "-",
        row.State is { Waiting: { } waiting } waits ? Texts.AsOf(waiting, now - waits.Sent) : row.State?.Reason ?? "",
    ];

    private static void Write(CliConsole console, string none, string[] headings, IEnumerable<string[]> cells)
    {
        string[][] rows = [.. cells.Select(row => row.Select(Texts.Line).ToArray())];
        if (rows.Length == 0)
        {
            console.Out.WriteLine(none);
            return;
        }
        if (console.Rich is { } rich)
        {
            var table = new Table().RoundedBorder().AddColumns(headings);
            foreach (var row in rows)
                table.AddRow([.. row.Select(c => new Text(c))]);
            rich.Write(table);
            return;
        }
        var widths = headings.Select((h, column) => rows.Max(r => r[column].Length)).Zip(headings, (w, h) => Math.Max(w, h.Length)).ToArray();
        foreach (var row in rows.Prepend(headings))
            console.Out.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
