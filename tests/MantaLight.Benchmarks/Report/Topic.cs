namespace MantaLight.Benchmarks.Report;

/// <summary>Rows that come of one run, and how to make it.</summary>
/// <param name="Rows">Their names, without the topic's.</param>
/// <param name="Run">Measures them; a row that cannot be measured here is left out. It is told which run it is, from 1 on: a seed for what is random.</param>
/// <param name="IsRepeated">Whether it is run several times; else each row has its several runs within it.</param>
internal sealed record Measurement(IReadOnlyList<string> Rows, Func<int, IEnumerable<Row>> Run, bool IsRepeated = false)
{
    /// <summary>One whose runs are all alike.</summary>
    public Measurement(IReadOnlyList<string> rows, Func<IEnumerable<Row>> run, bool isRepeated = false)
        : this(rows, _ => run(), isRepeated)
    {
    }

    /// <summary>Measures its rows; each of a repeated measurement is the median of its runs.</summary>
    /// <param name="runs">How many times a repeated one is run.</param>
    public IEnumerable<Row> Measure(int runs) =>
        IsRepeated ? Enumerable.Range(1, runs).SelectMany(Run).GroupBy(r => r.Name, StringComparer.Ordinal).Select(Repeated.Median) : Run(1);
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
