using System.Text.Json;
using MantaLight.Cli;
using MantaLight.Examples.Synthetic;
using MantaLight.Integration.Tests.Cli;

namespace MantaLight.Integration.Tests.Data;

/// <summary>On synthetic(1, 1) with stragglers rules that keep partial work leave FedAvg, which drops it, behind (Li et al. 2020, Figure 1): the first rounds of what docs/learning.md has in full.</summary>
public sealed class StragglerOrderTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-stragglers-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task FedProx_and_FedAdam_are_ahead_of_FedAvg_within_twelve_rounds()
    {
        var made = await CliRun.OfAsync("data", "generate", typeof(SyntheticSwarm).Assembly.Location, "--seed", "1", "--out", folder.FullName);
        Assert.Equal((ExitCodes.Success, ""), (made.Code, made.Error));

        var average = await AccuracyAsync("swarm.fedavg.json");

        Assert.InRange(await AccuracyAsync("swarm.json"), average + 0.15, 1);
        Assert.InRange(await AccuracyAsync("swarm.fedadam.json"), average + 0.15, 1);
    }

    /// <summary>The mean of the last six rounds.</summary>
    private async Task<double> AccuracyAsync(string file)
    {
        var (definition, report) = (Path.Combine(folder.FullName, file), Path.Combine(folder.FullName, "report.json"));
        File.Copy(GenerateCommandTests.ExampleFile(file), definition);
        var run = await CliRun.OfAsync("simulate", definition, "--data", folder.FullName, "--participants", "30", "--rounds", "12", "--json", report);
        Assert.Equal((ExitCodes.Success, ""), (run.Code, run.Error));
        return JsonElement.Parse(await File.ReadAllTextAsync(report, TestContext.Current.CancellationToken)).GetProperty("rounds").EnumerateArray().TakeLast(6).Average(r => r.GetProperty("accuracy").GetDouble());
    }
}
