using System.Text.Json;
using MantaLight.Examples.Readmission;
using MantaLight.Swarms;
using MantaLight.Tables;
using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;

namespace MantaLight.Torch.Tests;

public sealed class ReadmissionExampleTests : IDisposable
{
    private static readonly string Example = Path.Combine(Path.GetDirectoryName(MnistSwarmTests.Example)!, "Readmission");

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-readmission-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static SwarmDefinition Definition => SwarmJson.Parse(File.ReadAllBytes(Path.Combine(Example, "swarm.json")));

    private static TableSchema Schema => TaskJson.Read<TableSchema>(Definition.Globals["schema"], "schema");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void The_swarm_in_csharp_is_the_one_of_swarm_json_and_its_tasks_are_there()
    {
        SwarmValidator.Check(Definition, new TaskCatalog(typeof(ReadmissionSwarm).Assembly));
        Assert.Equal(SwarmJson.HashOf(Definition), SwarmJson.HashOf(new ReadmissionSwarm().ToDefinition()));
    }

    [Fact]
    public void The_model_has_as_many_inputs_as_the_schema_makes_features() => Assert.Equal(ReadmissionModel.Features, TableDataset.Features(Schema));

    [Fact]
    public async Task Hospitals_differ_in_their_cases_and_all_their_files_are_of_the_schema()
    {
        var tables = await GenerateAsync(4);

        Assert.All(tables, t => Assert.InRange(t.Rows, 400, 1600));
        var shares = Enumerable.Range(0, 4).Select(w => tables.Select(t => t.Column(1).ToArray().Count(v => v == w) / (double)t.Rows).ToArray());
        Assert.True(shares.Max(s => s.Max() - s.Min()) > 0.15);
        Assert.All(tables, t => Assert.InRange(t.Column(7).ToArray().Average(), 0.1, 0.4));
        Assert.All(tables, t => Assert.InRange(t.Column(4).ToArray().Count(double.IsNaN) / (double)t.Rows, 0.1, 0.2));
    }

    [Fact]
    public async Task A_test_counts_whom_it_finds_and_misses()
    {
        var rows = (await GenerateAsync(1))[0].Part(train: false);
        using var model = new ReadmissionModel();
        LeakGuardAttribute.ParametersMade(4);
        using var weights = model.ToWeights();
        var attempt = new MemoryAttempt { Datasets = new() { ["mnist"] = PathOf(0) } }
            .With("hyperparameters", "{}").With("schema", Definition.Globals["schema"].GetRawText()).With("global_model_params", weights);

        await attempt.RunAsync(new Examples.Readmission.Test(model), Cancelled);

        // The model's own answers, row by row.
        var (metrics, readmitted) = (attempt.Results["test_metrics"], rows.Select(r => tables![0].Column(7)[r] == 1).ToArray());
        var (sums, samples) = (metrics.GetProperty("sums"), rows.Count);
        Assert.Equal(samples, metrics.GetProperty("samples").GetInt32());
        var (found, all, alarms) = (Sum("recall"), Count("recall"), Count("precision"));
        Assert.Equal(readmitted.Count(r => r), all);
        Assert.Equal(found, Sum("precision"));
        Assert.Equal(samples - metrics.GetProperty("correct").GetInt32(), all - found + alarms - found);

        double Sum(string name) => sums.TryGetProperty(name, out var pair) ? pair[0].GetDouble() : 0;

        double Count(string name) => sums.TryGetProperty(name, out var pair) ? pair[1].GetDouble() : 0;
    }

    [Fact]
    public async Task Recall_is_of_the_sums_not_the_mean_of_the_hospitals()
    {
        var attempt = new MemoryAttempt()
            .WithResult("node_0", "test_metrics", """{ "accuracy": 0.5, "loss": 1, "samples": 10, "recall": 1, "precision": 0.25, "sums": { "recall": [1, 1], "precision": [1, 4] } }""")
            .WithResult("node_1", "test_metrics", """{ "accuracy": 0.9, "loss": 2, "samples": 30, "recall": 0.1, "precision": 1, "sums": { "recall": [1, 9], "precision": [1, 1] } }""");

        await attempt.RunAsync(new Scheduler(), Cancelled);

        var global = attempt.Results["global_metrics"];
        Assert.Equal((0.2, 0.4, 0.8, 1.75), (global.GetProperty("recall").GetDouble(), global.GetProperty("precision").GetDouble(), global.GetProperty("accuracy").GetDouble(), global.GetProperty("loss").GetDouble()));
        Assert.Equal("recall 20.0 %, precision 40.0 %", attempt.Requests.Request!.Reason);
    }

    private Table[]? tables;

    private string PathOf(int hospital) => Path.Combine(folder.FullName, $"{hospital}", "readmission.csv");

    private async Task<Table[]> GenerateAsync(int hospitals)
    {
        string[] folders = [.. Enumerable.Range(0, hospitals).Select(h => Directory.CreateDirectory(Path.GetDirectoryName(PathOf(h))!).FullName)];
        await new ReadmissionGenerator().GenerateAsync(new GeneratorRequest { Folders = folders, Seed = 3, Options = JsonElement.Parse("{}") }, Cancelled);
        tables = new Table[hospitals];
        for (var h = 0; h < hospitals; h++)
        {
            await using var file = File.OpenRead(PathOf(h));
            tables[h] = await CsvTable.ReadAsync(file, Schema, "file", Cancelled);
        }
        return tables;
    }
}
