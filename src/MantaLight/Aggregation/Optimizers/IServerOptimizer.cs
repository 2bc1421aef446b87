namespace MantaLight.Aggregation.Optimizers;

/// <summary>
/// What the server does with the change D that a round's contributions propose, combined minus before (Reddi et al. 2021, "Adaptive Federated Optimization", Algorithm 2). Each element is for
/// itself; what it remembers from round to round is committed with the model.
/// </summary>
internal interface IServerOptimizer
{
    /// <summary>As it is written in a definition.</summary>
    string Text { get; }

    /// <summary>What it remembers, by name, and the value that each element of it begins with.</summary>
    IReadOnlyList<(string Name, double Initial)> State { get; }

    /// <summary>One step over some elements.</summary>
    /// <param name="weights">The model before; becomes the next.</param>
    /// <param name="change">D; may be overwritten.</param>
    /// <param name="state">One span for each of <see cref="State"/>; becomes the next.</param>
    /// <param name="round">1 in the first round.</param>
    void Step(Span<double> weights, ReadOnlySpan<double> change, StateSpans state, int round);
}

/// <summary>The elements of what an optimizer remembers.</summary>
/// <param name="first">Those of the first name; empty where there is none.</param>
/// <param name="second">Those of the second.</param>
internal readonly ref struct StateSpans(Span<double> first, Span<double> second)
{
    public Span<double> First { get; } = first;

    public Span<double> Second { get; } = second;
}
