using System.Text;
using System.Text.Json;
using MantaLight.Statistics;
using MantaLight.Tables;
using MantaLight.Tasks;

namespace MantaLight.Torch.Tests;

public sealed class TableDatasetTests
{
    private const string Schema = """
        { "test_share": 0, "columns": [ { "name": "age", "minimum": 0, "maximum": 100 }, { "name": "ward", "values": ["a", "b", "c"] }, { "name": "back", "values": ["no", "yes"], "target": true }, { "name": "days" } ] }
        """;

    private static readonly TableStatistics Statistics = TaskJson.Read<TableStatistics>(
        JsonElement.Parse("""{ "stage": 1, "done": true, "nodes": 2, "columns": { "age": { "mean": 40, "deviation": 10 }, "days": { "mean": 3, "deviation": 0 } } }"""), "statistics");

    [Fact]
    public async Task Numbers_are_standardised_categories_one_of_each_and_the_target_a_class()
    {
        using var data = TableDataset.From(await ReadAsync("age,ward,back,days\n50,c,yes,5\nNA,,no,3\n"), Statistics, train: true);

        Assert.Equal([2, 5], data.Samples.shape);
        Assert.Equal([1, 0, 0, 1, 2, 0, 0, 0, 0, 0], data.Samples.data<float>().ToArray());
        Assert.Equal([1, 0], data.Targets.data<long>().ToArray());
    }

    [Fact]
    public async Task Without_statistics_bounds_make_numbers_lie_between_minus_one_and_one()
    {
        using var data = TableDataset.From(await ReadAsync("x,y\n75,1.5\n0,-2\n", """{ "test_share": 0, "columns": [ { "name": "x", "minimum": 0, "maximum": 100 }, { "name": "y", "target": true } ] }"""), null, train: true);

        Assert.Equal([0.5f, -1], data.Samples.data<float>().ToArray());
        Assert.Equal([2, 1], data.Targets.shape);
        Assert.Equal([1.5f, -2], data.Targets.data<float>().ToArray());
    }

    [Fact]
    public async Task What_cannot_be_learnt_from_says_what_is_missing()
    {
        var table = await ReadAsync("age,ward,back,days\n50,c,yes,5\n");

        Assert.Contains("'days' cannot be standardised", Assert.Throws<DatasetException>(() => TableDataset.From(table, null, train: true)).Message, StringComparison.Ordinal);
        Assert.Contains("Of the 1 rows none is there to test with", Assert.Throws<DatasetException>(() => TableDataset.From(table, Statistics, train: false)).Message, StringComparison.Ordinal);
        var aimless = await ReadAsync("age\n1\n", """{ "columns": [ { "name": "age" } ] }""");
        Assert.Contains("no target", Assert.Throws<DatasetException>(() => TableDataset.From(aimless, null, train: true)).Message, StringComparison.Ordinal);
    }

    private static async Task<Table> ReadAsync(string csv, string schema = Schema)
    {
        using var file = new MemoryStream(Encoding.UTF8.GetBytes(csv));
        return await CsvTable.ReadAsync(file, TaskJson.Read<TableSchema>(JsonElement.Parse(schema), "schema"), "file", TestContext.Current.CancellationToken);
    }
}
