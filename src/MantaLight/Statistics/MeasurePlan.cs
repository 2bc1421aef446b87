using MantaLight.Diagnostics;
using MantaLight.Tables;
using MantaLight.Tasks;

namespace MantaLight.Statistics;

/// <summary>What nodes tell in which round, and with which ε: follows from schema and measures alone, so that all come to the same.</summary>
internal sealed class MeasurePlan
{
    /// <summary>The probability with which all stated errors hold together.</summary>
    public const double Confidence = 0.95;

    /// <summary>ε is counted in whole numbers of this, so that what is told to be spent is what is spent.</summary>
    public const double EpsilonUnit = 1.0 / (1 << 20);

    /// <summary>The units of sums of values, which lie from -1 to 1 then, and of their squares.</summary>
    public const double ValueUnit = 1.0 / (1 << 20);

    public MeasurePlan(TableSchema schema, Measures measures)
    {
        Measures = measures;
        Columns = [.. (measures.Columns ?? [.. schema.Columns.Select(c => c.Name)]).Select(name => ColumnOf(name, schema, measures))];
        Columns = [.. Columns.Where(c => c.Told.Any())];
        if (Columns.Count == 0)
            throw new TaskContractException("The measures ask for nothing of these columns: moments and quantiles are of numbers, a histogram is of both.");
        Stages = Columns.Any(c => c.HasQuantiles) ? measures.QuantileRounds : 1;
        Releases = Columns.Sum(c => c.Told.Sum(t => t.Rounds));
        if (measures.Privacy is { } privacy && (EpsilonOfEach = (long)(privacy.Epsilon / EpsilonUnit) / Releases) < 1)
            throw new TaskContractException($"An epsilon of {privacy.Epsilon} is too little for {Releases} statistics: ask for fewer, or allow more.");
        var edges = ((measures.QuantileCells + 1) * measures.Quantiles.Count) + 2;
        Failure = (1 - Confidence) / Columns.Sum(c => (c.HasMoments ? 3 : 0) + c.Bins + (c.HasQuantiles ? Stages * edges * measures.Quantiles.Count : 0));
    }

    public Measures Measures { get; }

    public IReadOnlyList<MeasuredColumn> Columns { get; }

    /// <summary>Rounds until all is known.</summary>
    public int Stages { get; }

    /// <summary>How many things a node tells of a row in all rounds.</summary>
    public int Releases { get; }

    /// <summary>ε of each of them, in <see cref="EpsilonUnit"/>; 0 where nothing is private.</summary>
    public long EpsilonOfEach { get; }

    /// <summary>The probability with which one of the stated errors may be exceeded.</summary>
    public double Failure { get; }

    /// <summary>ε of what is told in a round, in <see cref="EpsilonUnit"/>.</summary>
    /// <param name="stage">The rounds before it.</param>
    public long EpsilonOf(int stage) => EpsilonOfEach * Columns.Sum(c => c.Told.Count(t => stage < t.Rounds));

    private static MeasuredColumn ColumnOf(string name, TableSchema schema, Measures measures)
    {
        var names = schema.Columns.Select(c => c.Name).ToArray();
        var place = Array.IndexOf(names, name);
        if (place < 0)
            throw new TaskContractException($"The measures ask for column '{name}', which the schema does not have{(KnownNames.Nearest(name, names) is { } near ? $" (did you mean '{near}'?)" : "")}; it has: {string.Join(", ", names)}.");
        var column = schema.Columns[place];
        var isNumber = !column.IsCategory;
        var measured = new MeasuredColumn(
            column, place, measures.Moments && isNumber, measures.Histogram == 0 ? 0 : column.Values?.Count ?? measures.Histogram, isNumber && measures.Quantiles.Count > 0, measures.QuantileRounds);
        return !isNumber || column.Half is not null || !(measured.Bins > 0 || measured.HasQuantiles || measures.Privacy is not null)
            ? measured
            : throw new TaskContractException($"Column '{name}' has no minimum and maximum in the schema: histograms, quantiles and privacy need both. Take them from what is possible, not from the data.");
    }
}

/// <summary>A column that is measured.</summary>
/// <param name="Column">What it is.</param>
/// <param name="Place">Where it is in the schema.</param>
/// <param name="HasMoments">Whether its moments are told.</param>
/// <param name="Bins">Of its histogram; 0 for none.</param>
/// <param name="HasQuantiles">Whether its quantiles are looked for.</param>
/// <param name="QuantileRounds">In how many rounds.</param>
internal sealed record MeasuredColumn(TableColumn Column, int Place, bool HasMoments, int Bins, bool HasQuantiles, int QuantileRounds)
{
    public string Name => Column.Name;

    /// <summary>What a node tells, each of which one row changes by at most <c>Sensitivity</c>, and in how many rounds.</summary>
    public IEnumerable<(string Statistic, string Sensitivity, int Rounds)> Told
    {
        get
        {
            if (HasMoments)
            {
                yield return ("count", "1", 1);
                yield return ("sum", "1 of half the range", 1);
                yield return ("squares", "1 of half the range, squared", 1);
            }
            if (Bins > 0)
                yield return ("histogram", "1", 1);
            if (HasQuantiles)
                yield return ("quantiles", "1", QuantileRounds);
        }
    }
}
