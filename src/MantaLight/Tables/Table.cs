namespace MantaLight.Tables;

/// <summary>A node's rows, column by column, as numbers: of a category the place of its value. NaN where there is no value.</summary>
public sealed class Table
{
    private readonly double[][] columns;

    internal Table(TableSchema schema, double[][] columns) => (Schema, this.columns) = (schema, columns);

    /// <summary>What the columns are.</summary>
    public TableSchema Schema { get; }

    /// <summary>How many rows there are.</summary>
    public int Rows => columns[0].Length;

    /// <summary>A column's values, as many as there are rows.</summary>
    /// <param name="column">Its place in the schema.</param>
    public ReadOnlySpan<double> Column(int column) => columns[column];

    /// <summary>The rows to train with, or those that are kept back: which they are depends on their places alone.</summary>
    public IReadOnlyList<int> Part(bool train) => [.. Enumerable.Range(0, Rows).Where(r => train != IsKeptBack(r))];

    // Neighbouring rows often belong together, so that every fifth one would not do.
    private bool IsKeptBack(int row)
    {
        var z = ((ulong)row + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53)) < Schema.TestShare;
    }
}
