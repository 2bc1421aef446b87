using System.Globalization;
using MantaLight.Aggregation.Controls;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// The server's step of SCAFFOLD (Karimireddy et al. 2020, "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", equation 5): x += (η_g/|S|) Σ (y_i - x). Each contribution counts the same,
/// as its control variate does; weighed by samples the two would pull against each other.
/// </summary>
/// <param name="rate">η_g, above 0.</param>
/// <param name="terms">How c is kept.</param>
internal sealed class ControlledMean(double rate, ControlTerms terms) : IAggregationRule
{
    /// <inheritdoc/>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"scaffold lr={rate}{(terms.Participants is { } all ? $" participants={all}" : "")}");

    /// <inheritdoc/>
    public bool IsWeighted => false;

    /// <inheritdoc/>
    public bool NeedsReference => true;

    /// <inheritdoc/>
    public ControlTerms Controls => terms;

    /// <inheritdoc/>
    public string? TooFew(int contributions) => null;

    /// <inheritdoc/>
    public Combined Combine(RuleInput input, CancellationToken cancellationToken)
    {
        var count = input.Sources.Count;
        // x + (η/n) Σ (y - x) is a blend: (Σ η y + n (1 - η) x) / n.
        var blend = new Blend([.. Enumerable.Repeat(rate, count), count * (1 - rate)], count);
        return new Combined(BlockRules.Pass([.. input.Sources, input.Reference!], blend, input.Threads, cancellationToken), []);
    }
}
