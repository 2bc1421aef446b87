namespace MantaLight.Aggregation.Controls;

/// <summary>
/// Under which tags control variates of SCAFFOLD lie: beside the global model the server's c and who it is made of, beside a node's contribution the difference of its own c_i, and on the node itself c_i.
/// Weights are float32, an array for each of the model's that has floats.
/// </summary>
internal static class ControlTags
{
    /// <summary>c among the globals, and c_i on its node.</summary>
    public static string Variate(string global) => $"{global}_control";

    /// <summary>The <see cref="ControlLedger"/> among the globals, and the <see cref="ControlStanding"/> on a node.</summary>
    public static string Ledger(string global) => $"{global}_controls";

    /// <summary>c_i⁺ - c_i among the results.</summary>
    public static string Difference(string contributions) => $"{contributions}_control";

    /// <summary>The <see cref="ControlStanding"/> among the results.</summary>
    public static string Standing(string contributions) => $"{contributions}_controls";
}

/// <summary>What c is made of.</summary>
/// <param name="Begun">How often it has begun with zero, from 1.</param>
/// <param name="Rounds">By node id, the round whose c_i it has last taken in.</param>
internal sealed record ControlLedger(int Begun, IReadOnlyDictionary<string, int> Rounds)
{
    /// <summary>Before anybody has taken part.</summary>
    public static ControlLedger Begin(int begun) => new(begun, new Dictionary<string, int>());

    /// <summary>With the nodes of a round; always written in the same order.</summary>
    public ControlLedger With(IEnumerable<string> nodes, int round)
    {
        var rounds = new Dictionary<string, int>(Rounds, StringComparer.Ordinal);
        foreach (var node in nodes)
            rounds[node] = round;
        return this with { Rounds = new Dictionary<string, int>(rounds.OrderBy(r => r.Key, StringComparer.Ordinal), StringComparer.Ordinal) };
    }
}

/// <summary>How a node's c_i stands to c.</summary>
/// <param name="Begun">The beginning of c that it belongs to.</param>
/// <param name="Round">The round that it is of.</param>
/// <param name="Lost">Whether c has a c_i of this node that the node has no more.</param>
internal sealed record ControlStanding(int Begun, int Round, bool Lost);
