using System.Collections.Concurrent;

namespace MantaLight.Attacks;

/// <summary>
/// What byzantine participants of one process tell each other: what each has learnt. They know of the others what was learnt the round before, so that none waits for another, and the bits come again; in a first round each
/// knows its own work alone.
/// </summary>
internal sealed class Collusion
{
    private readonly ConcurrentDictionary<(int Round, string Tag, string Node), double[][]> told = new();

    /// <summary>Tells the others.</summary>
    /// <param name="round">The round.</param>
    /// <param name="tag">The result's tag.</param>
    /// <param name="node">Who learnt.</param>
    /// <param name="learnt">d, array by array.</param>
    /// <returns>What is known, in node-id order, each array by array.</returns>
    public IReadOnlyList<double[][]> Tell(int round, string tag, string node, double[][] learnt)
    {
        told[(round, tag, node)] = learnt;
        foreach (var key in told.Keys)
        {
            if (key.Round < round - 1)
                told.TryRemove(key, out _);
        }
        double[][][] known =
        [
            .. told.Where(t => t.Key.Round == round - 1 && t.Key.Tag == tag && HasShapeOf(learnt, t.Value)).OrderBy(t => t.Key.Node, StringComparer.Ordinal).Select(t => t.Value),
        ];
        return known.Length > 0 ? known : [learnt];
    }

    private static bool HasShapeOf(double[][] one, double[][] other) => one.Length == other.Length && one.Zip(other).All(pair => pair.First.Length == pair.Second.Length);
}
