namespace MantaLight.Benchmarks.Report;

/// <summary>Rows that come of one run, and how to make it.</summary>
/// <param name="Rows">Their names, without the topic's.</param>
/// <param name="Run">Measures them; a row that cannot be measured here is left out.</param>
/// <param name="IsRepeated">Whether it is run several times; else each row has its several runs within it.</param>
internal sealed record Measurement(IReadOnlyList<string> Rows, Func<IEnumerable<Row>> Run, bool IsRepeated = false)
{
    /// <summary>Measures its rows; each of a repeated measurement is that of the run with the median, with the spread of all.</summary>
    /// <param name="runs">How many times a repeated one is run.</param>
    public IEnumerable<Row> Measure(int runs) =>
        IsRepeated ? Enumerable.Range(0, runs).SelectMany(_ => Run()).GroupBy(r => r.Name, StringComparer.Ordinal).Select(r => Median([.. r.OrderBy(row => row.Value)])) : Run();

    private static Row Median(Row[] runs) => runs.Length == 1 ? runs[0] : runs[runs.Length / 2] with
    {
        Spread = [Math.Round(runs.Min(r => r.Spread?[0] ?? r.Value), 4), Math.Round(runs.Max(r => r.Spread?[1] ?? r.Value), 4)],
    };
}

/// <summary>What belongs together in the report.</summary>
/// <param name="Name">Its name, which each row's name begins with.</param>
/// <param name="About">What it is about, in a sentence.</param>
/// <param name="Measurements">How its rows are measured, each apart from the others.</param>
internal sealed record Topic(string Name, string About, params IReadOnlyList<Measurement> Measurements)
{
    /// <summary>The names of all of its rows.</summary>
    public IEnumerable<string> Rows => Measurements.SelectMany(m => m.Rows).Select(FullName);

    /// <summary>What has to be measured for some names: the topic's own stands for all of it, and so do no names.</summary>
    public IEnumerable<Measurement> Wanted(IReadOnlySet<string> names) => Measurements.Where(m => WantsAll(names) || m.Rows.Any(r => names.Contains(FullName(r))));

    /// <summary>Whether a row is among what is wanted; others may come of the same run.</summary>
    public bool Wants(IReadOnlySet<string> names, Row row) => WantsAll(names) || names.Contains(row.Name);

    /// <summary>Those of some names that are neither a topic's nor a row's.</summary>
    public static IEnumerable<string> Unknown(IReadOnlyList<string> names, IReadOnlyList<Topic> topics) =>
        names.Except(topics.Select(t => t.Name).Concat(topics.SelectMany(t => t.Rows)), StringComparer.Ordinal);

    private bool WantsAll(IReadOnlySet<string> names) => names.Count == 0 || names.Contains(Name);

    private string FullName(string row) => $"{Name}.{row}";
}
