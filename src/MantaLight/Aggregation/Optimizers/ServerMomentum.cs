using System.Globalization;

namespace MantaLight.Aggregation.Optimizers;

/// <summary>
/// Server momentum (Hsu, Qi and Brown 2019, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification", FedAvgM): v = β v + D; w += η v, or with Nesterov's
/// look ahead w += η (β v + D). In the long run a step is η / (1 - β) times D.
/// </summary>
/// <param name="rate">η, above 0.</param>
/// <param name="momentum">β, 0 to below 1.</param>
/// <param name="isNesterov">Whether the step looks ahead.</param>
internal sealed class ServerMomentum(double rate, double momentum, bool isNesterov) : IServerOptimizer
{
    /// <inheritdoc/>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"momentum lr={rate} beta={momentum}{(isNesterov ? " nesterov=true" : "")}");

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, double Initial)> State { get; } = [("momentum", 0)];

    /// <inheritdoc/>
    public void Step(Span<double> weights, ReadOnlySpan<double> change, StateSpans state, int round)
    {
        var velocity = state.First;
        for (var i = 0; i < weights.Length; i++)
        {
            velocity[i] = (momentum * velocity[i]) + change[i];
            weights[i] += rate * (isNesterov ? (momentum * velocity[i]) + change[i] : velocity[i]);
        }
    }
}
