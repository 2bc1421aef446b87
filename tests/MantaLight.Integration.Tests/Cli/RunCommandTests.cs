using System.Text.Json;
using MantaLight.Cli;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>The whole product through its entry, on a few synthetic digits.</summary>
public sealed class RunCommandTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-cli-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_run_completes_and_reports_every_round_alike_in_one_process_and_in_several()
    {
        await FewDigits.WriteAsync(folder.FullName);
        var one = await ReportAsync(ExitCodes.Success, "--rounds", "2");
        Assert.Equal("completed", one.GetProperty("status").GetString());
        Assert.Equal(42UL, one.GetProperty("seed").GetUInt64());
        Assert.Equal([1, 2], one.GetProperty("rounds").EnumerateArray().Select(r => r.GetProperty("round").GetInt32()));
        foreach (var round in one.GetProperty("rounds").EnumerateArray())
        {
            Assert.Equal(2, round.GetProperty("participants").GetInt32());
            Assert.InRange(round.GetProperty("accuracy").GetDouble(), 0, 1);
            Assert.InRange(round.GetProperty("bytes_up").GetInt64(), 4 * 669_706, long.MaxValue);
            Assert.Equal(["node_0", "node_1"], round.GetProperty("nodes").EnumerateArray().Select(n => n.GetProperty("node").GetString()));
        }
        var several = await ReportAsync(ExitCodes.Success, "--rounds", "2", "--processes");
        Assert.Equal(Hashes(one), Hashes(several));
        Assert.Equal(2, Hashes(one).Distinct().Count());
    }

    [Fact]
    public async Task A_swarm_that_fails_is_reported_with_its_reason_and_fails_the_command()
    {
        await FewDigits.WriteAsync(folder.FullName, brokenTestData: true);
        var report = await ReportAsync(ExitCodes.Failure, "--rounds", "1");
        Assert.Equal("failed", report.GetProperty("status").GetString());
        Assert.Contains("test", report.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_task_is_refused_before_anything_starts()
    {
        await FewDigits.WriteAsync(folder.FullName);
        var path = File(FewDigits.Definition.Replace("\"FedAvg\"", "\"FedAvgg\"", StringComparison.Ordinal));
        var run = await CliRun.OfAsync("run", path, "--data", folder.FullName);
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains("did you mean 'FedAvg'?", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Starting", run.Output, StringComparison.Ordinal);
    }

    private static string[] Hashes(JsonElement report) =>
        [.. report.GetProperty("rounds").EnumerateArray().Select(r => r.GetProperty("global_sha256").GetString()!)];

    private async Task<JsonElement> ReportAsync(int code, params string[] arguments)
    {
        var json = Path.Combine(folder.FullName, "out.json");
        var run = await CliRun.OfAsync(["run", File(FewDigits.Definition), "--data", folder.FullName, "--json", json, .. arguments]);
        Assert.True(run.Code == code, $"exit code {run.Code}\n{run.Output}\n{run.Error}");
        return JsonElement.Parse(await System.IO.File.ReadAllBytesAsync(json, Cancelled));
    }

    private string File(string definition)
    {
        // Apart from the project, so that the module is the one beside the tests.
        var path = Path.Combine(folder.FullName, "swarm.json");
        System.IO.File.WriteAllText(path, definition);
        return path;
    }
}
