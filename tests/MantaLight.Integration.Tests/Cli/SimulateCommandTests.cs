using System.Globalization;
using System.Text.Json;
using MantaLight.Cli;
using MantaLight.Integration.Tests.Data;

namespace MantaLight.Integration.Tests.Cli;

/// <summary><c>simulate</c> as a user has it, on a few synthetic digits.</summary>
public sealed class SimulateCommandTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-simulate-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_simulation_reports_as_a_run_does_and_comes_to_its_bits()
    {
        await FewDigits.WriteAsync(folder.FullName);
        var run = await ReportAsync("run", "--nodes", "2", "--rounds", "2");
        var simulated = await ReportAsync("simulate", "--participants", "2", "--rounds", "2", "--slots", "2");
        Assert.Equal(Hashes(run), Hashes(simulated));
        Assert.Equal(run.EnumerateObject().Select(m => m.Name), simulated.EnumerateObject().Select(m => m.Name));
        Assert.Equal(
            run.GetProperty("rounds")[0].GetProperty("nodes").EnumerateArray().Select(n => n.GetProperty("node").GetString()),
            simulated.GetProperty("rounds")[0].GetProperty("nodes").EnumerateArray().Select(n => n.GetProperty("node").GetString()));
    }

    [Fact]
    public async Task The_same_seed_chooses_the_same_participants_and_comes_to_the_same_bits_on_any_number_of_slots()
    {
        await SyntheticDigits.WriteAsync(folder.FullName, nodes: 6, Cancelled);
        string[] sampled = ["simulate", "--participants", "6", "--fraction", "0.34", "--rounds", "3"];
        var one = await ReportAsync([.. sampled, "--slots", "1"]);
        var two = await ReportAsync([.. sampled, "--slots", "2"]);
        Assert.Equal(Hashes(one), Hashes(two));
        Assert.Equal(Trained(one), Trained(two));
        Assert.All(one.GetProperty("rounds").EnumerateArray(), round => Assert.Equal(2, round.GetProperty("participants").GetInt32()));
        var other = await ReportAsync([.. sampled, "--seed", "7"]);
        Assert.NotEqual(Trained(one), Trained(other));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public async Task As_many_attempts_run_at_once_as_cores_have_room_for_their_threads(int threads)
    {
        await FewDigits.WriteAsync(folder.FullName);
        var run = await CliRun.OfAsync(
            "simulate", Definition(FewDigits.Definition), "--data", folder.FullName, "--participants", "2", "--rounds", "1", "--threads", threads.ToString(CultureInfo.InvariantCulture));
        Assert.Contains($"2 participants on {Math.Max(1, Environment.ProcessorCount / threads)} slot", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_simulation_that_goes_on_from_its_checkpoint_ends_with_the_bits_of_the_one_that_never_stopped()
    {
        await FewDigits.WriteAsync(folder.FullName);
        var kept = Path.Combine(folder.FullName, "kept");
        var whole = Hashes(await ReportAsync("simulate", "--participants", "2", "--rounds", "3", "--checkpoints", kept, "--checkpoint-every", "2"));
        Assert.Equal(["mnist-round-2.safetensors", "mnist-round-3.safetensors"], Directory.EnumerateFiles(kept).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var rest = Hashes(await ReportAsync("simulate", "--participants", "2", "--rounds", "3", "--resume-from", Path.Combine(kept, "mnist-round-2.safetensors")));
        Assert.Equal(whole[2..], rest);
    }

    [Fact]
    public async Task A_definition_that_cannot_be_is_refused_as_run_refuses_it()
    {
        var path = Definition(FewDigits.Definition.Replace("\"FedAvg\"", "\"FedAvgg\"", StringComparison.Ordinal));
        var (run, simulated) = (await CliRun.OfAsync("run", path), await CliRun.OfAsync("simulate", path));
        Assert.Equal((ExitCodes.Usage, run.Error), (simulated.Code, simulated.Error));
        Assert.Contains("did you mean 'FedAvg'?", simulated.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--fraction", "0", "above 0 and at most 1")]
    [InlineData("--fraction", "1.5", "above 0 and at most 1")]
    [InlineData("--rounds", "0", "--rounds 0 is not possible")]
    [InlineData("--participants", "0", "--participants 0 is not possible")]
    [InlineData("--slots", "0", "--slots 0 is not possible")]
    [InlineData("--threads", "0", "--threads 0 is not possible")]
    [InlineData("--checkpoint-every", "2", "need --checkpoints DIR")]
    public async Task What_cannot_be_is_refused(string flag, string value, string expected)
    {
        var run = await CliRun.OfAsync("simulate", Definition(FewDigits.Definition), flag, value);
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fraction_that_counts_for_no_task_is_refused_and_one_that_counts_for_some_says_for_which_not()
    {
        await FewDigits.WriteAsync(folder.FullName);
        var all = FewDigits.Definition.Replace("\"method\": \"all\"", "\"method\": \"all\", \"maximum\": 1", StringComparison.Ordinal);
        var none = await CliRun.OfAsync("simulate", Definition(all), "--fraction", "0.5", "--data", folder.FullName);
        Assert.Equal(ExitCodes.Usage, none.Code);
        Assert.Contains("no task of the definition is for all nodes and without a maximum", none.Error, StringComparison.Ordinal);
        Assert.Contains("leaves task 'worker' as it is, since it has a maximum of its own (1)", none.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_that_are_not_there_are_named()
    {
        await FewDigits.WriteAsync(folder.FullName);
        var run = await CliRun.OfAsync("simulate", Definition(FewDigits.Definition), "--participants", "3", "--data", folder.FullName);
        Assert.Equal(ExitCodes.Environment, run.Code);
        Assert.Contains("Data set 'mnist' of node_2 is not there", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelled_it_ends_as_a_run_does_with_the_numbers_so_far()
    {
        await FewDigits.WriteAsync(folder.FullName);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var kept = Path.Combine(folder.FullName, "kept");
        Directory.CreateDirectory(kept);
        using var watcher = new FileSystemWatcher(kept) { EnableRaisingEvents = true };
        // A round is over.
        watcher.Renamed += (_, _) => stop.Cancel();
        var json = Path.Combine(folder.FullName, "out.json");
        var run = await CliRun.OfAsync(
            ["simulate", Definition(FewDigits.Definition), "--participants", "2", "--rounds", "100000", "--data", folder.FullName, "--json", json, "--checkpoints", kept, "--keep-checkpoints", "1"], stop.Token);
        Assert.Equal(ExitCodes.Cancelled, run.Code);
        Assert.Contains("cancelled", run.Error, StringComparison.Ordinal);
        var report = JsonElement.Parse(await File.ReadAllBytesAsync(json, Cancelled));
        Assert.Equal("cancelled", report.GetProperty("status").GetString());
        Assert.NotEqual(0, report.GetProperty("rounds").GetArrayLength());
    }

    private static string[] Hashes(JsonElement report) => [.. report.GetProperty("rounds").EnumerateArray().Select(r => r.GetProperty("global_sha256").GetString()!)];

    private static string[] Trained(JsonElement report) =>
    [
        .. report.GetProperty("rounds").EnumerateArray().SelectMany(r => r.GetProperty("nodes").EnumerateArray())
            .Where(n => n.TryGetProperty("samples_per_second", out _)).Select(n => n.GetProperty("node").GetString()!),
    ];

    private async Task<JsonElement> ReportAsync(params string[] arguments)
    {
        var json = Path.Combine(folder.FullName, "out.json");
        var run = await CliRun.OfAsync([arguments[0], Definition(FewDigits.Definition), "--data", folder.FullName, "--json", json, .. arguments[1..]]);
        Assert.True(run.Code == ExitCodes.Success, $"exit code {run.Code}\n{run.Output}\n{run.Error}");
        return JsonElement.Parse(await File.ReadAllBytesAsync(json, Cancelled));
    }

    private string Definition(string text)
    {
        // Apart from the project, so that the module is the one beside the tests.
        var path = Path.Combine(folder.FullName, "swarm.json");
        File.WriteAllText(path, text);
        return path;
    }
}
