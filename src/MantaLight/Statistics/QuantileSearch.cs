namespace MantaLight.Statistics;

/// <summary>
/// Finds quantiles by counting: each round counts the values between edges, and the next one lays its edges between the two that a quantile must lie between, for all quantiles of a column at once. A row is in
/// one cell of a round, however many quantiles there are. Under noise an edge is only taken for below or above a quantile where the counts say so by more than the noise may have done.
/// </summary>
internal static class QuantileSearch
{
    /// <summary>The edges of the first round.</summary>
    public static double[] Begin(MeasuredColumn column, Measures measures) =>
        Edges.Even(column.Column.Minimum!.Value, column.Column.Maximum!.Value, measures.QuantileCells);

    /// <summary>Where the quantiles are after a round.</summary>
    /// <param name="wanted">Each above 0 and below 1.</param>
    /// <param name="edges">The round's.</param>
    /// <param name="counts">The values between them, of all nodes.</param>
    /// <param name="error">How far noise may have moved any sum of these counts; 0 for not at all.</param>
    /// <param name="before">Where they were known to be; null in the first round.</param>
    public static QuantileStatistics[] Narrow(IReadOnlyList<double> wanted, IReadOnlyList<double> edges, IReadOnlyList<long> counts, double error, IReadOnlyList<QuantileStatistics>? before)
    {
        var below = new double[edges.Count];
        for (var i = 0; i < counts.Count; i++)
            below[i + 1] = below[i] + counts[i];
        return [.. wanted.Select((q, place) => Narrow(q, edges, below, error, before?[place] ?? new QuantileStatistics(q, 0, edges[0], edges[^1])))];
    }

    /// <summary>The edges of the next round.</summary>
    public static double[] Next(IReadOnlyList<QuantileStatistics> quantiles, IReadOnlyList<double> edges, int cells) =>
        [.. quantiles.SelectMany(q => Edges.Even(q.Low, q.High, cells)).Append(edges[0]).Append(edges[^1]).Distinct().Order()];

    // The ⌈q n⌉-th smallest is at least an edge below which are less than q n values, and below one below which are q n or more.
    private static QuantileStatistics Narrow(double q, IReadOnlyList<double> edges, double[] below, double error, QuantileStatistics before)
    {
        var wanted = q * below[^1];
        var (low, high) = (before.Low, before.High);
        for (var e = 0; e < edges.Count; e++)
        {
            if (below[e] + error < wanted)
                low = Math.Max(low, edges[e]);
            else if (below[e] - error >= wanted)
                high = Math.Min(high, edges[e]);
        }
        // Noise beyond its bound may have them cross: nothing is learnt of such a round.
        if (low >= high)
            (low, high) = (before.Low, before.High);
        return new QuantileStatistics(q, Math.Clamp(Between(edges, below, wanted, low, high), low, high), low, high);
    }

    // As if values lay evenly in the cell in which the wanted number is first reached.
    private static double Between(IReadOnlyList<double> edges, double[] below, double wanted, double low, double high)
    {
        for (var e = 1; e < edges.Count; e++)
        {
            if (edges[e] <= low || below[e] < wanted)
                continue;
            var (start, end) = (below[e - 1], below[e]);
            return edges[e - 1] + ((edges[e] - edges[e - 1]) * (end > start ? Math.Clamp((wanted - start) / (end - start), 0, 1) : 0.5));
        }
        return high;
    }
}
