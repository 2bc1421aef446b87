namespace MantaLight.Cli.Comparing;

/// <summary>Who sees what, in a few words.</summary>
internal static class Seen
{
    /// <summary>All data at one place.</summary>
    public const string Centralized = "one place sees all data";

    /// <summary>Each by itself.</summary>
    public const string Alone = "nothing leaves a participant";

    /// <summary>Federated.</summary>
    /// <param name="isMasked">Whether weights are summed by secure aggregation.</param>
    /// <param name="spent">What differential privacy the rounds have told; empty where they have told none.</param>
    public static string Federated(bool isMasked, string spent) => $"data stay; the aggregator sees {(isMasked ? "the sum of all weights" : "each one's weights")}{(spent.Length == 0 ? "" : $"; {spent}")}";
}
