using System.Globalization;
using System.Text.Json.Serialization;

namespace MantaLight.Statistics;

/// <summary>What is known of all nodes' rows together; the global <c>statistics</c>.</summary>
public sealed record TableStatistics
{
    /// <summary>Rounds that have contributed to it.</summary>
    public required int Stage { get; init; }

    /// <summary>Whether all that was asked for is known.</summary>
    public required bool Done { get; init; }

    /// <summary>How many nodes' rows the last round was of.</summary>
    public required int Nodes { get; init; }

    /// <summary>By the columns' names.</summary>
    public required IReadOnlyDictionary<string, ColumnStatistics> Columns { get; init; }

    /// <summary>What it has cost; null where nothing is private.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StatisticsPrivacy? Privacy { get; init; }
}

/// <summary>What is known of a column. An error is how far noise may have moved a number: all errors of the statistics hold together with a probability of 0.95. There are none where nothing is private.</summary>
public sealed record ColumnStatistics
{
    /// <summary>How many rows have a value.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Count { get; init; }

    /// <summary>Its error.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? CountError { get; init; }

    /// <summary>The mean; null where there is no value.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Mean { get; init; }

    /// <summary>Its error.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MeanError { get; init; }

    /// <summary>The variance, over n.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Variance { get; init; }

    /// <summary>Its error.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? VarianceError { get; init; }

    /// <summary>The standard deviation.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Deviation { get; init; }

    /// <summary>How many values are in each bin, or of each of a category's values.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<long>? Histogram { get; init; }

    /// <summary>The error of each of these counts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? HistogramError { get; init; }

    /// <summary>The quantiles, in the order that they were asked for in.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<QuantileStatistics>? Quantiles { get; init; }

    /// <summary>Where the next round cuts to find them more exactly.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? Edges { get; init; }

    /// <summary>For people, in one line.</summary>
    public override string ToString()
    {
        var parts = new List<string>();
        Add("count", Count, CountError);
        Add("mean", Mean, MeanError);
        Add("variance", Variance, VarianceError);
        if (Histogram is not null)
            parts.Add($"histogram {string.Join(' ', Histogram)}{Within(HistogramError)}");
        parts.AddRange((Quantiles ?? []).Select(q => string.Create(CultureInfo.InvariantCulture, $"quantile {q.Q:0.####} {q.Value:0.####} ({q.Low:0.####} to {q.High:0.####})")));
        return string.Join(", ", parts);

        void Add(string name, double? value, double? error)
        {
            if (value is { } known)
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"{name} {known:0.####}{Within(error)}"));
        }

        static string Within(double? error) => error is { } known ? string.Create(CultureInfo.InvariantCulture, $" ± {known:0.####}") : "";
    }
}

/// <summary>A quantile.</summary>
/// <param name="Q">Which.</param>
/// <param name="Value">About where it is.</param>
/// <param name="Low">It is at least this,</param>
/// <param name="High">and below this, or the maximum: for certain, or where noise is added with the probability of all errors.</param>
public sealed record QuantileStatistics(double Q, double Value, double Low, double High);

/// <summary>What statistics cost the rows that they are of.</summary>
public sealed record StatisticsPrivacy
{
    /// <summary>ε of what was asked for, when all is told once.</summary>
    public required double Epsilon { get; init; }

    /// <summary>ε of what may have been seen so far: repeated attempts count, each as if it had been seen.</summary>
    public required double Spent { get; init; }

    /// <summary>Whether the noise is a secret: false where it is of a seed, and nothing private.</summary>
    public required bool Private { get; init; }

    /// <summary>The probability with which all errors hold together.</summary>
    public required double Confidence { get; init; }

    /// <summary>What ε is of.</summary>
    public string Neighbours { get; init; } = "one row more or less at one node";

    /// <summary>The noise.</summary>
    public string Mechanism { get; init; } = "discrete Laplace, added by each node";

    /// <summary>Each statistic with its ε.</summary>
    public required IReadOnlyList<PrivacyRelease> Releases { get; init; }
}

/// <summary>What nodes tell of a column.</summary>
/// <param name="Column">The column.</param>
/// <param name="Statistic">What is told.</param>
/// <param name="Sensitivity">By how much one row changes it, at most.</param>
/// <param name="Rounds">How often it is told.</param>
/// <param name="Epsilon">ε of all times together.</param>
public sealed record PrivacyRelease(string Column, string Statistic, string Sensitivity, int Rounds, double Epsilon);
