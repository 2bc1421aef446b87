using System.Globalization;

namespace MantaLight.SecureAggregation;

/// <summary>How a swarm's contributions are summed without anybody seeing one: a definition's <c>secure_aggregation</c>.</summary>
public sealed record SecureOptions
{
    /// <summary>What nodes that can do it tell among their codecs.</summary>
    internal const string Capability = "secure";

    /// <summary>The alias of the task whose weights leave masked.</summary>
    /// <value><c>worker</c>.</value>
    public string Worker { get; init; } = "worker";

    /// <summary>The alias of the task that combines them; never null in a definition that has been read.</summary>
    /// <value>Null: the only task that comes after the worker.</value>
    public string? Aggregator { get; init; }

    /// <summary>The tag under which the worker adds its weights.</summary>
    /// <value><c>model_params</c>.</value>
    public string Tag { get; init; } = "model_params";

    /// <summary>The tag of the global that they are differences from, and that the aggregator replaces.</summary>
    /// <value><c>global_model_params</c>.</value>
    public string Global { get; init; } = "global_model_params";

    /// <summary>Bits of a masked number: 16, 32 or 64.</summary>
    /// <value>32.</value>
    public int Bits { get; init; } = 32;

    /// <summary>The largest magnitude of an element's difference from the global, above 0; what is beyond counts as its end.</summary>
    /// <value>4.</value>
    public double Range { get; init; } = 4;

    /// <summary>Whether a contribution counts as much as it has samples; else each counts the same.</summary>
    /// <value>True.</value>
    public bool Weighted { get; init; } = true;

    /// <summary>The most samples of a contribution; at least 1. One with more is refused.</summary>
    /// <value>65536.</value>
    public long MostSamples { get; init; } = 65_536;

    /// <summary>The part of those who hold shares that a secret takes more than: ⌊threshold · holders⌋ + 1 give it back. From 1/2 to below 1.</summary>
    /// <value>2/3.</value>
    public double Threshold { get; init; } = 2.0 / 3;

    /// <summary>With how many others each node shares its secrets and masks: an even number from 2; 0 for all of them (Bonawitz et al. 2017).</summary>
    /// <value>Null: as many as are enough, see <see cref="NeighbourCount"/> (Bell et al. 2020).</value>
    public int? Neighbours { get; init; }

    /// <summary>The largest weight of a contribution.</summary>
    internal long MostWeight => Weighted ? MostSamples : 1;

    /// <summary>What all must have alike, as text.</summary>
    internal string Terms => string.Create(CultureInfo.InvariantCulture,
        $"{Worker}/{Aggregator}/{Tag}/{Global}/{Bits}/{Range:R}/{Weighted}/{MostSamples}/{Threshold:R}/{Neighbours?.ToString(CultureInfo.InvariantCulture) ?? "auto"}");

    /// <summary>How many of that many holders give a secret back.</summary>
    internal int ThresholdOf(int holders) => (int)Math.Floor((Threshold * holders) + 1e-9) + 1;
}
