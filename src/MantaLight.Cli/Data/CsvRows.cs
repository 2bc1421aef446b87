using System.Text;

namespace MantaLight.Cli.Data;

/// <summary>The rows of a CSV file (RFC 4180: commas, quotes, a header), each as it is written and cut into its fields.</summary>
internal sealed class CsvRows
{
    private readonly List<(string Text, string[] Fields)> rows;

    private CsvRows(string header, string[] columns, List<(string Text, string[] Fields)> rows) => (Header, Columns, this.rows) = (header, columns, rows);

    /// <summary>The header's line.</summary>
    public string Header { get; }

    /// <summary>The columns' names.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>How many rows there are below the header.</summary>
    public int Count => rows.Count;

    /// <summary>A row as it is written.</summary>
    public string this[int row] => rows[row].Text;

    /// <summary>Reads a file.</summary>
    /// <exception cref="DatasetException">It cannot be read, or is no CSV with a header and as many fields in each row.</exception>
    public static async Task<CsvRows> ReadAsync(string path, CancellationToken cancellationToken)
    {
        string text;
        try
        {
            text = await File.ReadAllTextAsync(path, Encoding.UTF8, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"{path} cannot be read: {e.Message}", e);
        }
        return Parse(text, path);
    }

    /// <summary>Reads a file's text.</summary>
    /// <exception cref="DatasetException">As in <see cref="ReadAsync"/>.</exception>
    public static CsvRows Parse(string text, string path)
    {
        var all = new List<(string Text, string[] Fields)>();
        for (var start = 0; start < text.Length;)
        {
            var end = EndOfRow(text, start);
            var row = text[start..end].TrimEnd('\r');
            if (row.Length > 0)
                all.Add((row, [.. Fields(row)]));
            start = end + 1;
        }
        if (all is not [var header, .. var rows] || rows.Count == 0)
            throw new DatasetException($"{path} has no rows: expected is a line with the columns' names, and a line for each sample.");
        if (rows.FindIndex(r => r.Fields.Length != header.Fields.Length) is >= 0 and var bad)
            throw new DatasetException($"{path}, sample {bad + 1}: {rows[bad].Fields.Length} fields, where the header has {header.Fields.Length}.");
        return new CsvRows(header.Text, header.Fields, rows);
    }

    /// <summary>A column's values, in the order of the rows.</summary>
    /// <returns>Null where there is no such column.</returns>
    public string[]? Column(string name)
    {
        var at = Columns.Index().Where(c => c.Item == name).Select(c => (int?)c.Index).FirstOrDefault();
        return at is { } column ? [.. rows.Select(r => r.Fields[column])] : null;
    }

    // A line break within quotes belongs to the row.
    private static int EndOfRow(string text, int start)
    {
        var isQuoted = false;
        var at = start;
        for (; at < text.Length && (isQuoted || text[at] != '\n'); at++)
            isQuoted ^= text[at] == '"';
        return at;
    }

    private static IEnumerable<string> Fields(string row)
    {
        var field = new StringBuilder();
        var isQuoted = false;
        for (var i = 0; i < row.Length; i++)
        {
            if (row[i] == '"' && isQuoted && i + 1 < row.Length && row[i + 1] == '"')
                field.Append(row[++i]);
            else if (row[i] == '"')
                isQuoted = !isQuoted;
            else if (row[i] == ',' && !isQuoted)
            {
                yield return field.ToString();
                field.Clear();
            }
            else
                field.Append(row[i]);
        }
        yield return field.ToString();
    }
}
