using MantaLight.Cli.Data;

namespace MantaLight.Integration.Tests.Data;

public sealed class CsvRowsTests
{
    [Fact]
    public void Rows_are_as_they_are_written_and_columns_as_they_are_meant()
    {
        var rows = CsvRows.Parse("name,\"the, key\",note\r\nAda,a,\"said \"\"no\"\"\"\r\nBob,b,\"two\nlines\"\n", "some.csv");
        Assert.Equal(["name", "the, key", "note"], rows.Columns);
        Assert.Equal(2, rows.Count);
        Assert.Equal("Ada,a,\"said \"\"no\"\"\"", rows[0]);
        Assert.Equal(["a", "b"], rows.Column("the, key")!);
        Assert.Equal(["said \"no\"", "two\nlines"], rows.Column("note")!);
        Assert.Null(rows.Column("key"));
    }

    [Theory]
    [InlineData("", "has no rows")]
    [InlineData("a,b\n", "has no rows")]
    [InlineData("a,b\n1,2\n1\n", "sample 2: 1 fields, where the header has 2")]
    public void What_is_no_table_is_refused(string text, string why) =>
        Assert.Contains(why, Assert.Throws<DatasetException>(() => CsvRows.Parse(text, "some.csv")).Message, StringComparison.Ordinal);
}
