using MantaLight.Statistics;
using MantaLight.Tables;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>
/// A table's rows as tensors. A number becomes one feature, standardised to (x - mean) / deviation by the statistics of all nodes, or without them to -1 to 1 by its bounds, 0 where it is missing; a category
/// becomes one feature for each of its values, of which the row's is 1. The target becomes a class number, or the number itself.
/// </summary>
public static class TableDataset
{
    /// <summary>The global that says what tables look like.</summary>
    public const string SchemaTag = "schema";

    /// <summary>The global with the statistics of all nodes' rows.</summary>
    public const string StatisticsTag = "statistics";

    /// <summary>How many features a row has: what a model's first layer takes.</summary>
    public static int Features(TableSchema schema) => schema.Columns.Where(c => !c.Target).Sum(c => c.Values?.Count ?? 1);

    /// <summary>The rows to train with, or those that are kept back.</summary>
    /// <param name="table">The node's.</param>
    /// <param name="statistics">Of all nodes; null for none.</param>
    /// <param name="train">Which part.</param>
    /// <exception cref="DatasetException">The schema has no target or no feature, a number has neither statistics nor bounds, or there is no such row.</exception>
    public static TensorDataset From(Table table, TableStatistics? statistics, bool train)
    {
        TorchRuntime.EnsureLoaded();
        var columns = table.Schema.Columns;
        var (rows, width) = (table.Part(train), Features(table.Schema));
        if (table.Schema.Target is not { } target)
            throw new DatasetException("The schema has no target: put \"target\": true to the column that is to be predicted.");
        if (width == 0 || rows.Count == 0)
            throw new DatasetException(width == 0 ? "The schema has no column but the target." : $"Of the {table.Rows} rows none is there to {(train ? "train" : "test")} with.");
        var features = new float[rows.Count * width];
        var first = 0;
        for (var c = 0; c < columns.Count; c++)
        {
            if (columns[c].Target)
                continue;
            Fill(features.AsSpan(), width, first, columns[c], table.Column(c), rows, statistics);
            first += columns[c].Values?.Count ?? 1;
        }
        var values = table.Column(columns.Index().First(c => c.Item.Target).Index);
        using var scope = NewDisposeScope();
        var samples = tensor(features, [rows.Count, width]);
        var targets = target.IsCategory ? tensor(Gather(values, rows, v => (long)v)) : tensor(Gather(values, rows, v => (float)v), [rows.Count, 1]);
        return new TensorDataset(samples.DetachFromDisposeScope(), targets.DetachFromDisposeScope());
    }

    private static void Fill(Span<float> features, int width, int first, TableColumn column, ReadOnlySpan<double> values, IReadOnlyList<int> rows, TableStatistics? statistics)
    {
        var (middle, half) = column.IsCategory ? (0, 1) : ScaleOf(column, statistics);
        for (var i = 0; i < rows.Count; i++)
        {
            var value = values[rows[i]];
            if (double.IsNaN(value))
                continue;
            features[(i * width) + first + (column.IsCategory ? (int)value : 0)] = column.IsCategory ? 1 : (float)((value - middle) / half);
        }
    }

    private static (double Middle, double Half) ScaleOf(TableColumn column, TableStatistics? statistics)
    {
        if (statistics?.Columns.GetValueOrDefault(column.Name) is { Mean: { } mean, Deviation: { } deviation })
            return (mean, deviation > 1e-9 * Math.Max(1, Math.Abs(mean)) ? deviation : 1);
        return column is { Middle: { } middle, Half: { } half }
            ? (middle, half)
            : throw new DatasetException($"Column '{column.Name}' cannot be standardised: measure it (tasks MeasureTable and CombineMeasures before the worker), or give it minimum and maximum in the schema.");
    }

    private static T[] Gather<T>(ReadOnlySpan<double> values, IReadOnlyList<int> rows, Func<double, T> of)
    {
        var gathered = new T[rows.Count];
        for (var i = 0; i < gathered.Length; i++)
            gathered[i] = of(values[rows[i]]);
        return gathered;
    }
}
