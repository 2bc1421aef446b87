using System.Text.Json;
using System.Text.Json.Serialization;

namespace MantaLight.Tables;

/// <summary>
/// What all nodes' tables look like: which columns are read, in which order, and what their values may be. It stands in the definition as the global <c>schema</c>, so that a row means the same everywhere.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record TableSchema : IJsonOnDeserialized
{
    /// <summary>The most columns.</summary>
    public const int MaximumColumns = 1000;

    /// <summary>The columns, by the names in the file's header; others in the file are not read.</summary>
    public required IReadOnlyList<TableColumn> Columns { get; init; }

    /// <summary>What stands between two values: one character.</summary>
    /// <value>A comma.</value>
    public string Separator { get; init; } = ",";

    /// <summary>Texts that mean that there is no value.</summary>
    /// <value>Empty, NA, NaN and null.</value>
    public IReadOnlyList<string> Missing { get; init; } = ["", "NA", "NaN", "null"];

    /// <summary>Which part of the rows is kept back to test with; 0 to below 1. It depends on a row's place alone.</summary>
    /// <value>0.2.</value>
    public double TestShare { get; init; } = 0.2;

    /// <summary>The column that is to be predicted; null where there is none.</summary>
    [JsonIgnore]
    public TableColumn? Target => Columns.FirstOrDefault(c => c.Target);

    /// <summary>Checks names and ranges.</summary>
    /// <exception cref="JsonException">One is out of place.</exception>
    public void OnDeserialized()
    {
        Require(Columns is { Count: >= 1 and <= MaximumColumns }, $"columns: 1 to {MaximumColumns} are possible");
        Require(Columns.All(c => c is not null), "columns: null is no column");
        Require(Separator.Length == 1 && Separator[0] is not ('"' or '\r' or '\n'), "separator: one character is expected, and no quote or line break");
        Require(TestShare is >= 0 and < 1, $"test_share is {TestShare} where 0 to below 1 is expected");
        Require(Columns.DistinctBy(c => c.Name, StringComparer.Ordinal).Count() == Columns.Count, "columns: a name is there twice");
        Require(Columns.Count(c => c.Target) <= 1, "columns: one of them may be the target");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new JsonException(message + ".");
    }
}

/// <summary>A column: a number, or where it has <see cref="Values"/> one of these.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record TableColumn : IJsonOnDeserialized
{
    private const int MaximumValues = 10_000;

    /// <summary>Its name in the header.</summary>
    public required string Name { get; init; }

    /// <summary>The values of a category, in the order of their numbers.</summary>
    /// <value>Null: it is a number.</value>
    public IReadOnlyList<string>? Values { get; init; }

    /// <summary>The least number; lower ones are taken for it.</summary>
    /// <value>Null: any.</value>
    public double? Minimum { get; init; }

    /// <summary>The greatest number; higher ones are taken for it.</summary>
    /// <value>Null: any.</value>
    public double? Maximum { get; init; }

    /// <summary>Whether it is to be predicted.</summary>
    /// <value>False.</value>
    public bool Target { get; init; }

    /// <summary>What becomes of a row without a value here.</summary>
    /// <value><see cref="MissingValue.Fill"/>; of the target <see cref="MissingValue.Drop"/> in its place.</value>
    public MissingValue Missing { get; init; } = MissingValue.Fill;

    /// <summary>Whether it is one of <see cref="Values"/> rather than a number.</summary>
    [JsonIgnore]
    public bool IsCategory => Values is not null;

    /// <summary>The middle of the range, where it has both bounds.</summary>
    [JsonIgnore]
    public double? Middle => (Minimum + Maximum) / 2;

    /// <summary>Half of the range, where it has both bounds.</summary>
    [JsonIgnore]
    public double? Half => (Maximum - Minimum) / 2;

    /// <summary>Checks values and bounds.</summary>
    /// <exception cref="JsonException">One is out of place.</exception>
    public void OnDeserialized()
    {
        Require(Name is { Length: >= 1 and <= 200 }, "name: 1 to 200 characters are expected");
        Require(Values is null or { Count: >= 2 and <= MaximumValues }, $"'{Name}': 2 to {MaximumValues} values are possible");
        Require(Values is null || (!Values.Contains(null!) && Values.Distinct(StringComparer.Ordinal).Count() == Values.Count), $"'{Name}': a value is null or there twice");
        Require(Values is null || (Minimum is null && Maximum is null), $"'{Name}': values have no minimum or maximum");
        Require(Minimum is null || Math.Abs(Minimum.Value) <= 1e150, $"'{Name}': minimum must be a number within 1e150");
        Require(Maximum is null || Math.Abs(Maximum.Value) <= 1e150, $"'{Name}': maximum must be a number within 1e150");
        Require(!(Minimum >= Maximum), $"'{Name}': minimum must be below maximum");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new JsonException(message + ".");
    }
}

/// <summary>What becomes of a row without a value.</summary>
public enum MissingValue
{
    /// <summary>The row stays: the number counts as the mean of all nodes, the category as none of its values. Statistics leave the value out.</summary>
    Fill,

    /// <summary>The row is left out.</summary>
    Drop,

    /// <summary>The file is refused.</summary>
    Refuse,
}
