using System.Text;
using System.Text.Json;
using MantaLight.Tables;
using MantaLight.Tasks;

namespace MantaLight.Tests.Tables;

public sealed class CsvTableTests
{
    private const string Schema = """
        { "columns": [ { "name": "age", "minimum": 0, "maximum": 100 }, { "name": "ward", "values": ["medicine", "a \"b\", c"] }, { "name": "back", "values": ["no", "yes"], "target": true } ] }
        """;

    [Theory]
    [InlineData("age,ward,back\n30,medicine,no\n31,\"a \"\"b\"\", c\",yes\n")]
    [InlineData("\uFEFFage,ward,back\r\n30,medicine,no\r\n31,\"a \"\"b\"\", c\",yes")]
    [InlineData("back,note,age,ward\nno,\"two\nlines\", 3e1 ,medicine\n\nyes,,31,\"a \"\"b\"\", c\"\n")]
    public async Task Rows_are_read_by_the_names_of_the_header(string csv)
    {
        var table = await ReadAsync(csv);

        Assert.Equal(2, table.Rows);
        Assert.Equal([30, 31], table.Column(0).ToArray());
        Assert.Equal([0, 1], table.Column(1).ToArray());
        Assert.Equal([0, 1], table.Column(2).ToArray());
    }

    [Fact]
    public async Task Another_separator_is_possible()
    {
        var table = await ReadAsync("x;y\n1.5;2\n", """{ "columns": [ { "name": "x" } ], "separator": ";" }""");
        Assert.Equal(1.5, table.Column(0)[0]);
    }

    [Fact]
    public async Task Numbers_beyond_the_bounds_are_taken_for_the_bounds()
    {
        var table = await ReadAsync("age,ward,back\n-5,medicine,no\n300,medicine,no\n");
        Assert.Equal([0, 100], table.Column(0).ToArray());
    }

    [Fact]
    public async Task A_missing_value_is_nan_but_a_row_without_a_target_is_left_out()
    {
        var table = await ReadAsync("age,ward,back\nNA,medicine,no\n31,,yes\n32,medicine,\n");

        Assert.Equal([double.NaN, 31], table.Column(0).ToArray());
        Assert.Equal([0, double.NaN], table.Column(1).ToArray());
    }

    [Theory]
    [InlineData("drop", 1)]
    [InlineData("refuse", null)]
    public async Task A_column_may_do_without_rows_that_lack_it_or_refuse_them(string missing, int? rows)
    {
        var reading = ReadAsync("x\n1\nNA\n", $$"""{ "columns": [ { "name": "x", "missing": "{{missing}}" } ] }""");

        if (rows is null)
            Assert.Contains("line 3 has no value in column 'x'", (await Assert.ThrowsAsync<DatasetException>(() => reading)).Message, StringComparison.Ordinal);
        else
            Assert.Equal(rows, (await reading).Rows);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("age,ward,back\n", "no row")]
    [InlineData("age,ward\n1,medicine\n", "no column 'back'")]
    [InlineData("age,age,ward,back\n1,secret,medicine,no\n", "two columns 'age'")]
    [InlineData("age,ward,back\n30,medicine,no\nsecret,medicine,no\n", "line 3 has something in column 'age' that is no number")]
    [InlineData("age,ward,back\nInfinity,medicine,no\n", "line 2 has something in column 'age' that is no number")]
    [InlineData("age,ward,back\n30,secret,no\n", "line 2 has something in column 'ward' that is none of its values: medicine")]
    [InlineData("age,ward,back\n30,medicine\n", "line 2 has 2 values where the header has 3")]
    [InlineData("age,ward,back\n30,med\"secret\",no\n", "line 2 is no CSV")]
    [InlineData("age,ward,back\n30,\"secret,no\n31,medicine,no\n", "line")]
    public async Task What_is_no_such_table_is_refused_with_its_line_and_without_what_stands_there(string csv, string message)
    {
        var refused = await Assert.ThrowsAsync<DatasetException>(() => ReadAsync(csv));

        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        // It is told to the whole swarm.
        Assert.DoesNotContain("secret", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_that_is_not_utf8_is_refused()
    {
        using var file = new MemoryStream([.. "age,ward,back\n30,medicine,"u8, 0xFF, .. "\n"u8]);
        var refused = await Assert.ThrowsAsync<DatasetException>(() => CsvTable.ReadAsync(file, SchemaOf(Schema), "file", TestContext.Current.CancellationToken));
        Assert.Contains("UTF-8", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fifth_of_the_rows_is_kept_back_whatever_their_values_are()
    {
        var table = await ReadAsync("x\n" + string.Concat(Enumerable.Range(0, 5000).Select(i => $"{i}\n")), """{ "columns": [ { "name": "x" } ] }""");

        Assert.InRange(table.Part(train: false).Count, 880, 1120);
        Assert.Equal(Enumerable.Range(0, 5000), table.Part(train: true).Concat(table.Part(train: false)).Order());
    }

    [Theory]
    [InlineData("""{ "columns": [] }""", "1 to 1000")]
    [InlineData("""{ "columns": [ { "name": "x" }, { "name": "x" } ] }""", "twice")]
    [InlineData("""{ "columns": [ { "name": "x", "values": ["a"] } ] }""", "2 to 10000 values")]
    [InlineData("""{ "columns": [ { "name": "x", "values": ["a", "a"] } ] }""", "twice")]
    [InlineData("""{ "columns": [ { "name": "x", "values": ["a", "b"], "minimum": 1 } ] }""", "no minimum or maximum")]
    [InlineData("""{ "columns": [ { "name": "x", "minimum": 1, "maximum": 1 } ] }""", "minimum must be below maximum")]
    [InlineData("""{ "columns": [ { "name": "x", "target": true }, { "name": "y", "target": true } ] }""", "target")]
    [InlineData("""{ "columns": [ { "name": "x", "kind": "text" } ] }""", "kind")]
    [InlineData("""{ "columns": [ { "name": "x" } ], "separator": "||" }""", "separator")]
    [InlineData("""{ "columns": [ { "name": "x" } ], "test_share": 1 }""", "test_share is 1")]
    public void A_schema_that_cannot_be_is_refused(string schema, string message) =>
        Assert.Contains(message, Assert.Throws<TaskContractException>(() => SchemaOf(schema)).Message, StringComparison.Ordinal);

    private static TableSchema SchemaOf(string json) => TaskJson.Read<TableSchema>(JsonElement.Parse(json), "schema");

    private static async Task<Table> ReadAsync(string csv, string schema = Schema)
    {
        using var file = new MemoryStream(Encoding.UTF8.GetBytes(csv));
        return await CsvTable.ReadAsync(file, SchemaOf(schema), "file", TestContext.Current.CancellationToken);
    }
}
