using System.Text.Json;
using System.Text.Json.Serialization;

namespace MantaLight.Statistics;

/// <summary>What is to be known of all nodes' rows together: the global <c>measures</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record Measures : IJsonOnDeserialized
{
    /// <summary>The columns, by name.</summary>
    /// <value>Null: all of the schema.</value>
    public IReadOnlyList<string>? Columns { get; init; }

    /// <summary>Whether count, mean, variance and standard deviation of numbers are wanted.</summary>
    /// <value>True.</value>
    public bool Moments { get; init; } = true;

    /// <summary>How many bins histograms of numbers have, of equal width between their bounds; those of categories have one for each value. 0: there are no histograms.</summary>
    /// <value>0.</value>
    public int Histogram { get; init; }

    /// <summary>The quantiles of numbers that are wanted, each above 0 and below 1: of n numbers the ⌈q n⌉-th smallest.</summary>
    /// <value>None.</value>
    public IReadOnlyList<double> Quantiles { get; init; } = [];

    /// <summary>The rounds in which quantiles are looked for, each in a part of what the one before left; 1 to 16.</summary>
    /// <value>4.</value>
    public int QuantileRounds { get; init; } = 4;

    /// <summary>Into how many cells each of these rounds cuts what is left, 2 to 256.</summary>
    /// <value>16.</value>
    public int QuantileCells { get; init; } = 16;

    /// <summary>How what is told is kept private.</summary>
    /// <value>Null: nodes tell exact sums.</value>
    public MeasurePrivacy? Privacy { get; init; }

    /// <summary>Checks ranges.</summary>
    /// <exception cref="JsonException">One is out of place.</exception>
    public void OnDeserialized()
    {
        Require(Columns is null || (Columns.Count > 0 && Columns.Distinct(StringComparer.Ordinal).Count() == Columns.Count), "columns: at least one is expected, and each once");
        Require(Histogram is 0 or (>= 2 and <= 10_000), $"histogram is {Histogram} where 0, or 2 to 10000 bins, are expected");
        Require(Quantiles.Count <= 100 && Quantiles.All(q => q is > 0 and < 1), "quantiles: at most 100 numbers above 0 and below 1 are expected");
        Require(QuantileRounds is >= 1 and <= 16, $"quantile_rounds is {QuantileRounds} where 1 to 16 are expected");
        Require(QuantileCells is >= 2 and <= 256, $"quantile_cells is {QuantileCells} where 2 to 256 are expected");
        Require(Moments || Histogram > 0 || Quantiles.Count > 0, "nothing is wanted: moments, histogram or quantiles are possible");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new JsonException(message + ".");
    }
}

/// <summary>
/// ε-differential privacy of each row: each node adds discrete Laplace noise to what it tells before it tells it, so that nobody has to be trusted. Neighbours are tables of which one has one row more.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record MeasurePrivacy : IJsonOnDeserialized
{
    /// <summary>The ε of all that is told of a row, over all rounds together; it is shared out evenly. 0.000001 to 100.</summary>
    public required double Epsilon { get; init; }

    /// <summary>The most ε where attempts have to be repeated, each of which may have been seen: beyond, a node refuses to tell more.</summary>
    /// <value>Null: it is counted and told, and does not end anything.</value>
    public double? Budget { get; init; }

    /// <summary>Where the noise comes from.</summary>
    /// <value><see cref="MeasureNoise.Secret"/>.</value>
    public MeasureNoise NoiseSource { get; init; } = MeasureNoise.Secret;

    /// <summary>Checks ranges.</summary>
    /// <exception cref="JsonException">One is out of place.</exception>
    public void OnDeserialized()
    {
        if (Epsilon is not (>= 1e-6 and <= 100))
            throw new JsonException($"privacy.epsilon is {Epsilon} where 0.000001 to 100 is expected.");
        if (Budget < Epsilon)
            throw new JsonException($"privacy.budget {Budget} is below epsilon {Epsilon}, which is spent even where all goes well.");
    }
}

/// <summary>Where noise comes from.</summary>
public enum MeasureNoise
{
    /// <summary>The system's cryptographic generator.</summary>
    Secret,

    /// <summary>The definition's seed, so that a run comes again: nothing is private then.</summary>
    Seed,
}
