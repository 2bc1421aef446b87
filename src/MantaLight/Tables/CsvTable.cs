using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using MantaLight.Tasks;

namespace MantaLight.Tables;

/// <summary>Reads a table from CSV (RFC 4180: a header, quotes where a value needs them, line breaks within quotes), UTF-8.</summary>
/// <remarks>Messages name lines and columns, and never what stands there: a task's failure is told to the whole swarm, and data stay.</remarks>
public static class CsvTable
{
    /// <summary>Reads the table of a data set that is a CSV file.</summary>
    /// <exception cref="DatasetException">Not mapped, not there, or not a table of that schema.</exception>
    public static async Task<Table> GetTableAsync(this Local local, string dataset, TableSchema schema, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = await local.OpenAsync(dataset, cancellationToken);
            return await ReadAsync(file, schema, $"data set '{dataset}'", cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"Data set '{dataset}' cannot be read; map the CSV file itself: --dataset {dataset}=FOLDER/FILE.csv.", e);
        }
    }

    /// <summary>Reads a table.</summary>
    /// <param name="csv">The file; it stays open.</param>
    /// <param name="schema">What it must look like.</param>
    /// <param name="what">What it is, for messages.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DatasetException">It is not a table of that schema.</exception>
    public static async Task<Table> ReadAsync(Stream csv, TableSchema schema, string what, CancellationToken cancellationToken)
    {
        var line = 1;
        using var text = new StreamReader(csv, new UTF8Encoding(false, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: true, leaveOpen: true);
        using var parser = new CsvParser(text, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = schema.Separator,
            BadDataFound = _ => throw Refused(what, line, "is no CSV: a quote stands within a value, or is not closed"),
            TrimOptions = TrimOptions.Trim,
        });
        try
        {
            if (!await parser.ReadAsync())
                throw new DatasetException($"The {what} is empty; a header with the columns' names is expected.");
            var reader = new RowReader(schema, what, parser.Record!);
            while (await parser.ReadAsync())
            {
                cancellationToken.ThrowIfCancellationRequested();
                line = parser.RawRow;
                reader.Add(parser.Record!, line);
            }
            return reader.ToTable();
        }
        catch (Exception e) when (e is CsvHelperException or DecoderFallbackException)
        {
            // Its message quotes the line, which must not leave the node; nor may it as a cause.
            throw Refused(what, line + 1, e is DecoderFallbackException ? "or one after it is not UTF-8" : "is no CSV");
        }
    }

    private static DatasetException Refused(string what, int line, string why) =>
        new(string.Create(CultureInfo.InvariantCulture, $"The {what} cannot be read: line {line} {why}."));

    /// <summary>Turns rows of text into columns of numbers.</summary>
    private sealed class RowReader
    {
        private readonly TableSchema schema;
        private readonly string what;
        private readonly int width;
        private readonly int[] places;
        private readonly List<double>[] columns;
        private readonly Dictionary<string, int>?[] categories;
        private readonly HashSet<string> missing;
        private readonly double[] row;

        public RowReader(TableSchema schema, string what, string[] header)
        {
            (this.schema, this.what, width) = (schema, what, header.Length);
            places = [.. schema.Columns.Select(c => Array.IndexOf(header, c.Name))];
            if (Array.IndexOf(places, -1) is >= 0 and var absent)
                throw new DatasetException($"The {what} has no column '{schema.Columns[absent].Name}' among the {width} of its first line, which must be a header separated by '{schema.Separator}'.");
            if (schema.Columns.FirstOrDefault(c => header.Count(h => h == c.Name) > 1) is { } twice)
                throw new DatasetException($"The {what} has two columns '{twice.Name}'.");
            columns = [.. places.Select(_ => new List<double>())];
            categories = [.. schema.Columns.Select(c => c.Values?.Index().ToDictionary(v => v.Item, v => v.Index, StringComparer.Ordinal))];
            missing = schema.Missing.ToHashSet(StringComparer.Ordinal);
            row = new double[places.Length];
        }

        public void Add(string[] values, int line)
        {
            if (values.Length != width)
                throw Refused(what, line, $"has {values.Length} values where the header has {width}");
            var isDropped = false;
            for (var c = 0; c < row.Length; c++)
            {
                row[c] = Read(values[places[c]], c, line);
                isDropped |= double.IsNaN(row[c]) && (schema.Columns[c].Target || schema.Columns[c].Missing == MissingValue.Drop);
            }
            for (var c = 0; c < row.Length && !isDropped; c++)
                columns[c].Add(row[c]);
        }

        public Table ToTable() => columns[0].Count > 0
            ? new Table(schema, [.. columns.Select(c => c.ToArray())])
            : throw new DatasetException($"The {what} has no row with all the values that it must have.");

        private double Read(string text, int place, int line)
        {
            var column = schema.Columns[place];
            if (missing.Contains(text))
                return column.Missing == MissingValue.Refuse ? throw Refused(what, line, $"has no value in column '{column.Name}'") : double.NaN;
            if (categories[place] is { } values)
                return values.TryGetValue(text, out var value) ? value : throw Refused(what, line, $"has something in column '{column.Name}' that is none of its values: {string.Join(", ", column.Values!.Take(50))}");
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
                throw Refused(what, line, $"has something in column '{column.Name}' that is no number");
            return Math.Clamp(number, column.Minimum ?? double.MinValue, column.Maximum ?? double.MaxValue);
        }
    }
}
