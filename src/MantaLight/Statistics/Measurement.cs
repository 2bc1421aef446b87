using System.Text.Json.Serialization;

namespace MantaLight.Statistics;

/// <summary>What a node tells of its rows in one round; the result <c>measurements</c>.</summary>
internal sealed record Measurement
{
    /// <summary>The most that a count may be, so that those of very many nodes do not overflow.</summary>
    private const long MostRows = 1L << 44;

    /// <summary>The most that a sum may be, in its small units.</summary>
    private const long MostUnits = 1L << 60;

    public required int Stage { get; init; }

    /// <summary>How often the node has been asked for it: each time may have been seen.</summary>
    public required int Attempt { get; init; }

    public required IReadOnlyDictionary<string, ColumnMeasurement> Columns { get; init; }

    /// <summary>What is wrong with it; null where nothing is.</summary>
    /// <param name="plan">What it must tell.</param>
    /// <param name="stage">The rounds before this one.</param>
    /// <param name="cells">How many cells a column's quantiles are looked for in.</param>
    public string? Flaw(MeasurePlan plan, int stage, Func<MeasuredColumn, int> cells)
    {
        if (Stage != stage)
            return $"It is of stage {Stage} where {stage} is expected.";
        if (Attempt is < 1 or > 10_000)
            return $"It is of attempt {Attempt}.";
        var isPrivate = plan.Measures.Privacy is not null;
        foreach (var column in plan.Columns)
        {
            if (Columns?.GetValueOrDefault(column.Name) is not { } told)
                return $"It tells nothing of column '{column.Name}'.";
            var hasMoments = column.HasMoments && stage == 0;
            if (hasMoments && (isPrivate ? !(IsThere(told.Count, MostRows) && IsThere(told.Sum, MostUnits) && IsThere(told.SumOfSquares, MostUnits)) : told is not { Count: >= 0 and <= MostRows, Mean: { } mean, Squares: >= 0 and < 1e305 } || !(Math.Abs(mean) < 1e150)))
                return $"Its moments of column '{column.Name}' are missing or out of range.";
            if (column.Bins > 0 && stage == 0 && !Fits(told.Histogram, column.Bins, isPrivate))
                return $"Its histogram of column '{column.Name}' has not {column.Bins} counts that can be.";
            if (column.HasQuantiles && !Fits(told.Cells, cells(column), isPrivate))
                return $"Its cells of column '{column.Name}' are not {cells(column)} counts that can be.";
        }
        return null;
    }

    private static bool IsThere(long? value, long most) => value >= -most && value <= most;

    private static bool Fits(long[]? counts, int expected, bool isPrivate) =>
        counts?.Length == expected && Array.TrueForAll(counts, c => c <= MostRows && c >= (isPrivate ? -MostRows : 0));
}

/// <summary>What a node tells of a column. Private numbers are whole ones, since noise is.</summary>
internal sealed record ColumnMeasurement
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Count { get; init; }

    /// <summary>Exact.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Mean { get; init; }

    /// <summary>Σ (x - mean)², exact.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Squares { get; init; }

    /// <summary>Σ y with y = (x - middle) / half, in <see cref="MeasurePlan.ValueUnit"/>; private.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Sum { get; init; }

    /// <summary>Σ y², likewise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SumOfSquares { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long[]? Histogram { get; init; }

    /// <summary>Values between two edges of the search for quantiles.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long[]? Cells { get; init; }
}
