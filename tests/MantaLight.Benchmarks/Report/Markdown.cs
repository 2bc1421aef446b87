using System.Globalization;
using System.Text;

namespace MantaLight.Benchmarks.Report;

/// <summary>The report for people: what was aimed at and what came of it, then the figures by topic.</summary>
internal static class Markdown
{
    public static string Of(BenchmarkReport report, IReadOnlyList<Topic> topics)
    {
        var text = new StringBuilder("# Benchmarks\n\n");
        text.Append(CultureInfo.InvariantCulture, $"Measured on {report.Date}: {report.Machine}. Machines are noisy: what counts is the relation of figures of one row, which come of the same runs. Each is the median of several, peers' and floors' too, with the least and the greatest beside it.\n\n");
        text.Append("Measure again with `dotnet run -c Release --project tests/MantaLight.Benchmarks -- report`; a topic or a row alone with `--only NAME`.\n");
        text.Append("This file and `benchmarks.json` are written by that command.\n");
        Summary(text, report.Rows);
        foreach (var rows in report.Rows.GroupBy(r => r.Topic))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {rows.Key}\n");
            if (topics.FirstOrDefault(t => t.Name == rows.Key) is { } topic)
                text.Append(CultureInfo.InvariantCulture, $"\n{topic.About}\n");
            Figures(text, [.. rows.Where(r => r.Point is null || r.Target is not null)]);
            foreach (var curve in rows.Where(r => r.Point is not null).GroupBy(r => r.Point!.Curve))
                Curve(text, curve.Key, [.. curve]);
            foreach (var row in rows.Where(r => (r.Note ?? r.Date ?? r.Machine) is not null))
                text.Append(CultureInfo.InvariantCulture, $"\n- {row.Name}: {Remark(row)}");
            text.Append('\n');
        }
        return text.ToString();
    }

    /// <summary>A number with three digits that count, or whole.</summary>
    public static string Number(double? value) => value is not { } number ? "" : Math.Abs(number) switch
    {
        >= 1000 => number.ToString("N0", CultureInfo.InvariantCulture),
        >= 100 => number.ToString("F0", CultureInfo.InvariantCulture),
        >= 10 => number.ToString("F1", CultureInfo.InvariantCulture),
        >= 1 => number.ToString("F2", CultureInfo.InvariantCulture),
        _ => number.ToString("G3", CultureInfo.InvariantCulture),
    };

    private static void Summary(StringBuilder text, IReadOnlyList<Row> rows)
    {
        Row[] aimed = [.. rows.Where(r => r.Target is not null)];
        if (aimed.Length == 0)
            return;
        text.Append(CultureInfo.InvariantCulture, $"\n## Targets\n\n{aimed.Count(r => r.Met == true)} met, {aimed.Count(r => r.Met == false)} missed, {aimed.Count(r => r.Met is null)} without a verdict here.\n");
        text.Append("\n| target | asked for | measured | ratio | met |\n|---|---|---|---|---|\n");
        foreach (var row in aimed)
            text.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {row.Target} | {Number(row.Value)} {row.Unit} | {Number(row.Ratio)} | {Verdict(row)} |\n");
        foreach (var row in aimed.Where(r => r.Met == false))
            text.Append(CultureInfo.InvariantCulture, $"\n- **{row.Name}** is missed: {row.Note ?? "nobody has said why yet."}");
        if (aimed.Any(r => r.Met == false))
            text.Append('\n');
    }

    private static void Figures(StringBuilder text, IReadOnlyList<Row> rows)
    {
        if (rows.Count == 0)
            return;
        text.Append("\n| figure | median (least to greatest) | peer | floor | ratio | target | met |\n|---|---|---|---|---|---|---|\n");
        foreach (var row in rows)
        {
            var peer = row.Peer is { } name ? $"{name}: {Number(row.PeerValue)}{Spread(row.PeerSpread)}" : "";
            text.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {Number(row.Value)} {row.Unit}{Spread(row.Spread)} | {peer} | {Number(row.Floor)}{Spread(row.FloorSpread)} | {Number(row.Ratio)} | {row.Target} | {Verdict(row)} |\n");
        }
    }

    /// <summary>A table of what grows against what was measured of it, and a chart of the first column.</summary>
    private static void Curve(StringBuilder text, string name, IReadOnlyList<Row> rows)
    {
        (string Series, string Unit)[] columns = [.. rows.Select(r => (r.Point!.Series, r.Unit)).Distinct()];
        var points = rows.GroupBy(r => r.Point!.At).OrderBy(p => p.Key).ToArray();
        text.Append(CultureInfo.InvariantCulture, $"\n| {name} |{string.Concat(columns.Select(c => $" {c.Series}, {c.Unit} |"))}\n|---|{string.Concat(columns.Select(_ => "---|"))}\n");
        foreach (var point in points)
            text.Append(CultureInfo.InvariantCulture, $"| {Place(point.Key)} |{string.Concat(columns.Select(c => $" {Number(point.FirstOrDefault(r => r.Point!.Series == c.Series)?.Value)} |"))}\n");
        Row[] first = [.. points.Select(p => p.FirstOrDefault(r => r.Point!.Series == columns[0].Series)).OfType<Row>()];
        if (first.Length < 2)
            return;
        text.Append(CultureInfo.InvariantCulture, $"\n```mermaid\nxychart-beta\n  x-axis \"{name}\" [{string.Join(", ", first.Select(r => $"\"{Place(r.Point!.At)}\""))}]\n");
        text.Append(CultureInfo.InvariantCulture, $"  y-axis \"{columns[0].Series}, {columns[0].Unit}\"\n  line [{string.Join(", ", first.Select(r => r.Value.ToString("G4", CultureInfo.InvariantCulture)))}]\n```\n");
    }

    private static string Spread(double[]? spread) => spread is [var least, var most] ? $" ({Number(least)} to {Number(most)})" : "";

    private static string Verdict(Row row) => row.Target is null ? "" : row.Met switch { true => "yes", false => "**no**", null => "no verdict" };

    private static string Place(double at) => at.ToString("N0", CultureInfo.InvariantCulture);

    private static string Remark(Row row) =>
        string.Join(' ', new[] { row.Note, row.Date is { } date ? $"Measured on {date}." : null, row.Machine is { } machine ? $"Measured on {machine}." : null }.OfType<string>());
}
