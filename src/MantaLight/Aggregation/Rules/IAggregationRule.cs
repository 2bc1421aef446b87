using System.Collections.Immutable;
using MantaLight.Aggregation.Controls;
using MantaLight.Privacy;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Rules;

/// <summary>Makes one model of many: a mean, or one that some byzantine contributions cannot bend far.</summary>
internal interface IAggregationRule
{
    /// <summary>As it is written in a definition.</summary>
    string Text { get; }

    /// <summary>Whether it weighs contributions by their samples; the others count each the same, as their proofs want.</summary>
    bool IsWeighted { get; }

    /// <summary>Whether it starts from the model before.</summary>
    bool NeedsReference { get; }

    /// <summary>The number of each node that it weighs by, as TAG.KEY among the JSON results; null where samples are enough.</summary>
    string? Metric => null;

    /// <summary>What it spends each time; null where it is not private.</summary>
    PrivacyTerms? Privacy => null;

    /// <summary>How the server's control variate goes with it; null where there is none.</summary>
    ControlTerms? Controls => null;

    /// <summary>Whether it knows what to make of contributions that began with models of different rounds.</summary>
    bool TakesDifferences => false;

    /// <summary>Why so many contributions are too few; null where they are enough.</summary>
    string? TooFew(int contributions);

    /// <summary>Combines.</summary>
    /// <exception cref="MalformedDataException">A contribution cannot be read to its end.</exception>
    Combined Combine(RuleInput input, CancellationToken cancellationToken);
}

/// <summary>What a rule is given: contributions of one layout whose elements are finite, in node-id order.</summary>
/// <param name="Sources">The contributions.</param>
/// <param name="Weights">The weight of each, at least 1.</param>
/// <param name="Reference">The model before; null where there is none.</param>
/// <param name="Threads">The most threads; their number does not show in the result.</param>
internal sealed record RuleInput(IReadOnlyList<WeightsSource> Sources, IReadOnlyList<long> Weights, WeightsSource? Reference, int Threads)
{
    /// <summary>What the rule's <see cref="IAggregationRule.Metric"/> is of each, above 0; null where it has none.</summary>
    public IReadOnlyList<double>? Metric { get; init; }

    /// <summary>The longest that differences from the reference can be; null where they were not clipped.</summary>
    public double? Clip { get; init; }

    /// <summary>The multiplier of a private rule's noise, where it is another than what is accounted for, since something else is told besides.</summary>
    public double? Noise { get; init; }

    /// <summary>How many rounds before this one each began; null where none did.</summary>
    public IReadOnlyList<int>? Staleness { get; init; }

    /// <summary>The attempt's seed.</summary>
    public ulong Seed { get; init; }
}

/// <summary>What a rule gives.</summary>
/// <param name="Weights">The model, to be disposed.</param>
/// <param name="LeftOut">Which contributions it is not made of, by their place, and why.</param>
internal sealed record Combined(NamedArrays Weights, ImmutableArray<(int Place, string Reason)> LeftOut)
{
    /// <summary>How long contributions were before they were clipped; none where they were not.</summary>
    public IReadOnlyList<double> Lengths { get; init; } = [];
}
