using System.Text.Json;
using MantaLight.Cli;
using MantaLight.Examples.Readmission;
using MantaLight.Examples.Statistics;
using MantaLight.Examples.Synthetic;
using MantaLight.Integration.Tests.Cli;

namespace MantaLight.Integration.Tests.Data;

/// <summary><c>data generate</c>, and a simulation on what it makes.</summary>
public sealed class GenerateCommandTests : IDisposable
{
    private static readonly string Module = typeof(SyntheticSwarm).Assembly.Location;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-generate-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task What_a_module_generates_can_be_simulated_on_with_the_users_that_there_are_by_nature()
    {
        var made = await CliRun.OfAsync("data", "generate", Module, "--nodes", "5", "--set", "beta=0.5", "--out", folder.FullName);
        Assert.Equal((ExitCodes.Success, ""), (made.Code, made.Error));
        Assert.Equal($"Generated: {Path.Combine(folder.FullName, "synthetic")} (5 nodes, seed 42)", made.Output.Trim());

        // All drop out now and then: with two of five in each round, and nine tenths of them late.
        var (definition, report) = (Path.Combine(folder.FullName, "swarm.json"), Path.Combine(folder.FullName, "report.json"));
        var text = await File.ReadAllTextAsync(ExampleFile("swarm.fedavg.json"), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(definition, text.Replace("\"maximum\": 10", "\"maximum\": 2", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        var run = await CliRun.OfAsync("simulate", definition, "--data", folder.FullName, "--participants", "5", "--rounds", "6", "--set", "hyperparameters.epochs=2", "--json", report);

        Assert.Equal((ExitCodes.Success, ""), (run.Code, run.Error));
        int[] trained = [.. JsonElement.Parse(await File.ReadAllTextAsync(report, TestContext.Current.CancellationToken)).GetProperty("rounds").EnumerateArray()
            .Select(r => r.GetProperty("nodes").EnumerateArray().Count(n => n.TryGetProperty("steps", out _)))];
        Assert.Equal(6, trained.Length);
        Assert.Contains(0, trained);
        Assert.Contains(trained, t => t > 0);
    }

    [Theory]
    [InlineData("Readmission", "swarm.json", 2)]
    [InlineData("Statistics", "swarm.json", 4)]
    [InlineData("Statistics", "swarm.private.json", 3)]
    public async Task The_examples_with_tables_run_on_what_they_generate(string example, string definition, int rounds)
    {
        var module = example == "Statistics" ? typeof(VisitsGenerator).Assembly.Location : typeof(ReadmissionSwarm).Assembly.Location;
        var made = await CliRun.OfAsync("data", "generate", module, "--nodes", "3", "--out", folder.FullName);
        Assert.Equal((ExitCodes.Success, ""), (made.Code, made.Error));

        var (copy, report) = (Path.Combine(folder.FullName, "swarm.json"), Path.Combine(folder.FullName, "report.json"));
        File.Copy(ExampleFile(definition, example), copy);
        string[] last = example == "Readmission" ? ["--rounds", "2"] : [];
        var run = await CliRun.OfAsync(["simulate", copy, "--data", folder.FullName, "--participants", "3", "--json", report, .. last]);

        Assert.Equal((ExitCodes.Success, ""), (run.Code, run.Error));
        var told = JsonElement.Parse(await File.ReadAllTextAsync(report, TestContext.Current.CancellationToken)).GetProperty("rounds");
        Assert.Equal(rounds, told.GetArrayLength());
        if (example == "Readmission")
            Assert.InRange(told[1].GetProperty("accuracy").GetDouble(), 0.5, 1);
    }

    [Theory]
    [InlineData("--dataset", "mnist", "it generates: synthetic")]
    [InlineData("--set", "alpha=-1", "standard deviations")]
    [InlineData("--set", "gamma=1", "gamma")]
    [InlineData("--set", "alpha", "KEY=VALUE")]
    [InlineData("--nodes", "0", "1 to 2000")]
    public async Task What_cannot_be_says_what_can(string flag, string value, string message)
    {
        var run = await CliRun.OfAsync("data", "generate", Module, flag, value, "--out", folder.FullName);

        Assert.NotEqual(ExitCodes.Success, run.Code);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_module_without_data_of_its_own_says_so()
    {
        var run = await CliRun.OfAsync("data", "generate", typeof(Examples.Mnist.MnistSwarm).Assembly.Location, "--out", folder.FullName);

        Assert.Contains("generates no data", run.Error, StringComparison.Ordinal);
    }

    internal static string ExampleFile(string name, string example = "Synthetic")
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "MantaLight.sln")))
                return Path.Combine(at.FullName, "examples", example, name);
        }
        throw new InvalidOperationException("No folder above holds MantaLight.sln.");
    }
}
