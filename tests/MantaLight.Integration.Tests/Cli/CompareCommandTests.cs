using System.Text.Json;
using MantaLight.Cli;
using MantaLight.Cli.Data;
using MantaLight.Integration.Tests.Data;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Cli;

/// <summary><c>compare</c> as a user has it, on a few synthetic digits.</summary>
public sealed class CompareCommandTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-compare-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task All_three_learn_for_as_many_epochs_and_are_told_side_by_side()
    {
        await SyntheticDigits.WriteAsync(folder.FullName, nodes: 3, Cancelled);
        var (report, output) = await CompareAsync(FewDigits.Definition, "--participants", "3", "--rounds", "2");
        foreach (var run in Runs(report))
        {
            Assert.Equal("completed", run.GetProperty("status").GetString());
            Assert.Equal(2, run.GetProperty("epochs").GetDouble());
            Assert.Equal([1, 2], run.GetProperty("rounds").EnumerateArray().Select(r => r.GetProperty("round").GetInt32()));
            Assert.InRange(run.GetProperty("accuracy").GetDouble(), 0, 1);
        }
        Assert.Equal(["node_0", "node_1", "node_2"], report.GetProperty("alone").GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("name").GetString()));
        // Three participants with 96 images of 784 bytes, and a label of 8 bytes for each.
        Assert.Equal(3 * 96 * (784 + 8), report.GetProperty("centralized").GetProperty("bytes_sent").GetInt64());
        Assert.All(report.GetProperty("centralized").GetProperty("rounds").EnumerateArray(), round => Assert.Equal(3 * 96 * (784 + 8), round.GetProperty("bytes_sent").GetInt64()));
        Assert.True(report.GetProperty("federated").GetProperty("bytes_sent").GetInt64() > 2 * 3 * 669_706 * 4);
        Assert.Equal([10, 10, 10, 10, 10, 10, 9, 9, 9, 9], report.GetProperty("nodes")[2].GetProperty("classes").EnumerateArray().Select(c => c.GetInt32()));
        Assert.Matches(@"(?m)^centralized +\d+\.\d+% +\d+\.\d+ +2 .*one place sees all data\r?$", output);
        Assert.Matches(@"(?m)^federated, 3 +.* +data stay; the aggregator sees each one's weights\r?$", output);
        Assert.Matches(@"(?m)^alone, mean of 3 .* 0 B +nothing leaves a participant\r?$", output);
    }

    [Fact]
    public async Task Centralized_is_a_simulation_of_one_that_has_everything_and_alone_is_one_that_has_its_own()
    {
        await SyntheticDigits.WriteAsync(folder.FullName, nodes: 2, Cancelled);
        var (report, _) = await CompareAsync(FewDigits.Definition, "--participants", "2", "--rounds", "2");
        using var first = await ArrayFile.ReadAsync(FewDigits.FileOf(folder.FullName, 0), Cancelled);
        using var second = await ArrayFile.ReadAsync(FewDigits.FileOf(folder.FullName, 1), Cancelled);

        var together = await SimulateOneAsync("together", name => SampleRows.Concat([first[name], second[name]]));
        var alone = await SimulateOneAsync("alone", name => name.EndsWith("_test", StringComparison.Ordinal) ? SampleRows.Concat([first[name], second[name]]) : first[name]);

        Assert.Equal(together, Accuracies(report.GetProperty("centralized")));
        Assert.Equal(alone, Accuracies(report.GetProperty("alone").GetProperty("runs")[0]));

        async Task<double[]> SimulateOneAsync(string name, Func<string, NamedArray> arrayOf)
        {
            var data = Path.Combine(folder.FullName, name);
            await ArrayFile.WriteNpzAsync(FewDigits.FileOf(data, 0), [.. first.Select(a => arrayOf(a.Name))], compress: false, Cancelled);
            var json = Path.Combine(folder.FullName, "one.json");
            var run = await CliRun.OfAsync("simulate", Definition(FewDigits.Definition), "--participants", "1", "--rounds", "2", "--data", data, "--json", json);
            Assert.True(run.Code == ExitCodes.Success, run.Error);
            return Accuracies(JsonElement.Parse(await File.ReadAllBytesAsync(json, Cancelled)));
        }
    }

    [Fact]
    public async Task Rules_for_many_are_a_mean_where_there_is_one()
    {
        await SyntheticDigits.WriteAsync(folder.FullName, nodes: 3, Cancelled);
        var plain = await AccuraciesAsync("mean", "");
        foreach (var (aggregate, privacy) in new[] { ("krum f=0", ""), ("trimmed_mean b=1\", \"adam lr=0.01", ""), ("clip 1.0\", \"private_mean noise=2 expected=3 noise_source=seed", "not private: reproducible run") })
            Assert.Equal(plain, await AccuraciesAsync(aggregate, privacy));

        async Task<double[]> AccuraciesAsync(string aggregate, string privacy)
        {
            var definition = FewDigits.Definition.Replace("\"type\": \"FedAvg\"", $"\"type\": \"Aggregate\", \"options\": {{ \"aggregate\": [\"{aggregate}\"] }}", StringComparison.Ordinal);
            var (report, _) = await CompareAsync(definition, "--participants", "3", "--rounds", "1", "--alone", "1");
            Assert.All(Runs(report), run => Assert.Equal("completed", run.GetProperty("status").GetString()));
            Assert.Contains(privacy, report.GetProperty("federated").GetProperty("privacy").GetString()!, StringComparison.Ordinal);
            return [.. Accuracies(report.GetProperty("centralized")), .. Accuracies(report.GetProperty("alone").GetProperty("runs")[0])];
        }
    }

    [Fact]
    public async Task Where_a_round_asks_some_the_others_learn_for_as_many_epochs_as_that_comes_to()
    {
        await SyntheticDigits.WriteAsync(folder.FullName, nodes: 4, Cancelled);
        var (report, _) = await CompareAsync(FewDigits.Definition, "--participants", "4", "--fraction", "0.5", "--rounds", "4", "--alone", "0");
        Assert.Equal(2, report.GetProperty("federated").GetProperty("epochs").GetDouble());
        Assert.Equal(2, report.GetProperty("centralized").GetProperty("rounds").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, report.GetProperty("alone").ValueKind);
    }

    [Fact]
    public async Task The_folder_has_a_report_and_plots()
    {
        await SyntheticDigits.WriteAsync(folder.FullName, nodes: 2, Cancelled);
        var output = Path.Combine(folder.FullName, "comparison");
        await CompareAsync(FewDigits.Definition, "--participants", "2", "--rounds", "2", "--out", output);
        Assert.Equal(
            ["accuracy.png", "accuracy.svg", "bytes.png", "bytes.svg", "classes.png", "classes.svg", "comparison.json", "comparison.md", "loss.png", "loss.svg"],
            Directory.EnumerateFiles(output).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var text = await File.ReadAllTextAsync(Path.Combine(output, "comparison.md"), Cancelled);
        Assert.Contains("|  | Accuracy | Loss | Epochs |", text, StringComparison.Ordinal);
        Assert.Contains("![accuracy](accuracy.png)", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelled_it_ends_with_the_numbers_so_far()
    {
        await SyntheticDigits.WriteAsync(folder.FullName, nodes: 2, Cancelled);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var json = Path.Combine(folder.FullName, "out.json");
        // The federated one is over.
        using var output = new StoppingWriter("centralized, round 1", stop);
        using var error = new StringWriter();
        var code = await CommandLine.InvokeAsync(
            ["compare", Definition(FewDigits.Definition), "--participants", "2", "--rounds", "50", "--data", folder.FullName, "--json", json], new CliConsole(TextWriter.Synchronized(output), error), stop.Token);
        Assert.Equal(ExitCodes.Cancelled, code);
        var report = JsonElement.Parse(await File.ReadAllBytesAsync(json, Cancelled));
        Assert.Equal("completed", report.GetProperty("federated").GetProperty("status").GetString());
        Assert.Equal(JsonValueKind.Null, report.GetProperty("centralized").ValueKind);
        Assert.Contains("federated, 2 ", output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--participants", "0", "--participants 0 is not possible")]
    [InlineData("--alone", "-1", "--alone -1 is not possible")]
    [InlineData("--partition", "wild", "--partition 'wild' is not possible")]
    [InlineData("--fraction", "2", "above 0 and at most 1")]
    public async Task What_cannot_be_is_refused(string flag, string value, string expected)
    {
        var run = await CliRun.OfAsync("compare", Definition(FewDigits.Definition), flag, value);
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    private static IEnumerable<JsonElement> Runs(JsonElement report) =>
        report.GetProperty("alone").GetProperty("runs").EnumerateArray().Prepend(report.GetProperty("centralized")).Prepend(report.GetProperty("federated"));

    private static double[] Accuracies(JsonElement run) => [.. run.GetProperty("rounds").EnumerateArray().Select(r => r.GetProperty("accuracy").GetDouble())];

    private async Task<(JsonElement Report, string Output)> CompareAsync(string definition, params string[] arguments)
    {
        var json = Path.Combine(folder.FullName, "out.json");
        var run = await CliRun.OfAsync(["compare", Definition(definition), "--data", folder.FullName, "--json", json, .. arguments]);
        Assert.True(run.Code == ExitCodes.Success, $"exit code {run.Code}\n{run.Output}\n{run.Error}");
        return (JsonElement.Parse(await File.ReadAllBytesAsync(json, Cancelled)), run.Output);
    }

    private string Definition(string text)
    {
        // Apart from the project, so that the module is the one beside the tests.
        var path = Path.Combine(folder.FullName, "swarm.json");
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Asks for the end when a text is written.</summary>
    private sealed class StoppingWriter(string at, CancellationTokenSource stop) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.Contains(at, StringComparison.Ordinal) == true)
                stop.Cancel();
        }
    }
}
