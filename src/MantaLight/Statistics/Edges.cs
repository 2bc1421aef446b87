namespace MantaLight.Statistics;

/// <summary>Cells between ascending edges: each has its lower edge, and the last one its upper edge too.</summary>
internal static class Edges
{
    /// <summary>The edges of cells of equal width.</summary>
    public static double[] Even(double low, double high, int cells)
    {
        var edges = new double[cells + 1];
        for (var i = 0; i <= cells; i++)
            edges[i] = i == cells ? high : low + ((high - low) * i / cells);
        return edges;
    }

    /// <summary>How many values lie in each cell; NaN lies in none.</summary>
    public static long[] Count(ReadOnlySpan<double> values, double[] edges)
    {
        var counts = new long[edges.Length - 1];
        foreach (var value in values)
        {
            if (double.IsNaN(value))
                continue;
            var at = Array.BinarySearch(edges, value);
            counts[Math.Clamp(at >= 0 ? at : ~at - 1, 0, counts.Length - 1)]++;
        }
        return counts;
    }
}
