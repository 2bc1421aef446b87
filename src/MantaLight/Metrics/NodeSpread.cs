namespace MantaLight.Metrics;

/// <summary>How far a metric is from being the same for all nodes: each counts the same, whatever its samples.</summary>
/// <param name="Metric">The metric.</param>
/// <param name="Nodes">Nodes that have it.</param>
/// <param name="WorstNode">Who has the worst value; of several the first in node-id order.</param>
/// <param name="Worst">That value.</param>
/// <param name="StandardDeviation">Of the nodes' values, as of a whole population: divided by their number.</param>
/// <param name="Deciles">Eleven values from the least to the largest: a tenth of the nodes is at or below the second, and so on; between two nodes' values linearly.</param>
public sealed record NodeSpread(string Metric, int Nodes, string WorstNode, double Worst, double StandardDeviation, IReadOnlyList<double> Deciles)
{
    /// <summary>Larger values, of whichever sign, are no metric: their squares would not be finite.</summary>
    internal const double Largest = 1e100;

    private static readonly string[] Lower = ["loss", "error", "mae", "mse", "rmse", "perplexity"];

    /// <summary>Whether less of a metric is better, going by its name: losses and errors.</summary>
    public static bool LowerIsBetter(string metric)
    {
        var name = metric[(metric.LastIndexOf('.') + 1)..];
        return Lower.Any(word => name == word || name.EndsWith($"_{word}", StringComparison.Ordinal));
    }

    /// <summary>The spread of some nodes' values; null of fewer than two.</summary>
    /// <param name="metric">The metric, by whose name the worst is the least or the largest.</param>
    /// <param name="values">Each node once; none beyond <see cref="Largest"/>.</param>
    public static NodeSpread? Of(string metric, IReadOnlyCollection<(string Node, double Value)> values)
    {
        if (values.Count < 2)
            return null;
        double[] sorted = [.. values.Select(v => v.Value).Order()];
        var mean = sorted.Sum(v => v / sorted.Length);
        var worst = LowerIsBetter(metric) ? sorted[^1] : sorted[0];
        return new NodeSpread(
            metric, sorted.Length, values.Where(v => v.Value == worst).Select(v => v.Node).Min(StringComparer.Ordinal)!, worst,
            Math.Sqrt(sorted.Sum(v => (v - mean) * (v - mean) / sorted.Length)), [.. Enumerable.Range(0, 11).Select(d => Quantile(sorted, d))]);
    }

    private static double Quantile(double[] sorted, int tenths)
    {
        var place = (sorted.Length - 1) * tenths / 10.0;
        var below = (int)place;
        var part = place - below;
        return part == 0 ? sorted[below] : (sorted[below] * (1 - part)) + (sorted[below + 1] * part);
    }
}
