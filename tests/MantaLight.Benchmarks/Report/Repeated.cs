namespace MantaLight.Benchmarks.Report;

/// <summary>One row of several runs' rows of one name.</summary>
internal static class Repeated
{
    /// <summary>
    /// Value, peer's value, floor and ratio are each the median of the runs', with the spread of all; the verdict is that of the run which is in the middle
    /// by what the target speaks of, and the note that of the run in the middle by its value.
    /// </summary>
    public static Row Median(IEnumerable<Row> runs)
    {
        Row[] rows = [.. runs.OrderBy(r => r.Value)];
        var middle = rows[rows.Length / 2];
        var row = middle with
        {
            Value = Middle(rows.Select(r => r.Value)),
            Spread = SpreadOf(rows, r => r.Value, r => r.Spread),
            PeerValue = middle.PeerValue is null ? null : Middle(rows.Select(r => r.PeerValue).OfType<double>()),
            PeerSpread = middle.PeerValue is null ? null : SpreadOf(rows, r => r.PeerValue, r => r.PeerSpread),
            Floor = middle.Floor is null ? null : Middle(rows.Select(r => r.Floor).OfType<double>()),
            FloorSpread = middle.Floor is null ? null : SpreadOf(rows, r => r.Floor, r => r.FloorSpread),
            Ratio = middle.Ratio is null ? null : Middle(rows.Select(r => r.Ratio).OfType<double>()),
        };
        Judgement[] judged = [.. rows.Select(r => r.Judgement).OfType<Judgement>().OrderBy(j => j.Off)];
        return middle.Judgement is null ? row : row.Judge(judged[judged.Length / 2], middle.Judgement.Note);
    }

    private static double Middle(IEnumerable<double> values) => Sample.Of(values).Median;

    private static double[] SpreadOf(Row[] rows, Func<Row, double?> value, Func<Row, double[]?> spread) =>
        Sample.Of(rows.SelectMany(r => spread(r) ?? (value(r) is { } one ? [one] : []))).Spread;
}
