using System.Globalization;

namespace MantaLight.Aggregation.Optimizers;

/// <summary>How an adaptive step remembers squares of D.</summary>
internal enum SecondMoment
{
    /// <summary>v += D².</summary>
    Adagrad,

    /// <summary>v = β2 v + (1 - β2) D².</summary>
    Adam,

    /// <summary>v -= (1 - β2) D² sign(v - D²).</summary>
    Yogi,
}

/// <summary>
/// FedAdagrad, FedAdam and FedYogi (Reddi et al. 2021, Algorithm 2): m = β1 m + (1 - β1) D; v by its kind; w += η m / (√v + τ). As in the paper v begins with τ², and nothing is corrected for the bias
/// of the first rounds, unless it is asked for (as in Kingma and Ba 2015, Algorithm 1).
/// </summary>
internal sealed class AdaptiveStep : IServerOptimizer
{
    /// <summary>The kind.</summary>
    public required SecondMoment Kind { get; init; }

    /// <summary>η, above 0.</summary>
    public required double Rate { get; init; }

    /// <summary>β1, 0 to below 1.</summary>
    public required double Beta1 { get; init; }

    /// <summary>β2, 0 to below 1; of no use to Adagrad.</summary>
    public double Beta2 { get; init; } = 0.99;

    /// <summary>τ, above 0.</summary>
    public double Tau { get; init; } = 1e-3;

    /// <summary>What v begins with, at least 0.</summary>
    public required double Initial { get; init; }

    /// <summary>Whether m and v are divided by 1 - β1^t and 1 - β2^t.</summary>
    public bool IsCorrected { get; init; }

    /// <inheritdoc/>
    public string Text => string.Create(
        CultureInfo.InvariantCulture,
        $"{Kind.ToString().ToLowerInvariant()} lr={Rate} beta1={Beta1}{(Kind == SecondMoment.Adagrad ? "" : $" beta2={Beta2}")} tau={Tau} v0={Initial}{(IsCorrected ? " bias_correction=true" : "")}");

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, double Initial)> State => [("momentum", 0), ("variance", Initial)];

    /// <inheritdoc/>
    public void Step(Span<double> weights, ReadOnlySpan<double> change, StateSpans state, int round)
    {
        var momentum = state.First;
        var variance = state.Second;
        var (first, second) = IsCorrected ? (1 - Math.Pow(Beta1, round), 1 - Math.Pow(Beta2, round)) : (1, 1);
        for (var i = 0; i < weights.Length; i++)
        {
            var square = change[i] * change[i];
            momentum[i] = (Beta1 * momentum[i]) + ((1 - Beta1) * change[i]);
            variance[i] = Kind switch
            {
                SecondMoment.Adagrad => variance[i] + square,
                SecondMoment.Adam => (Beta2 * variance[i]) + ((1 - Beta2) * square),
                _ => variance[i] - ((1 - Beta2) * square * Math.Sign(variance[i] - square)),
            };
            weights[i] += Rate * (momentum[i] / first) / (Math.Sqrt(variance[i] / second) + Tau);
        }
    }
}
