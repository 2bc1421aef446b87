using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Cli;
using MantaLight.Cli.Chaos;

namespace MantaLight.Integration.Tests.Chaos;

public sealed class ChaosReportTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-report-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Recoveries_are_told_by_kind_with_median_and_longest()
    {
        var recoveries = Recoveries.Of([Fault("a", 3), Fault("b", 5), Fault("a", 1), Fault("a", 9), Fault("b", 6), Fault("c", null)]);
        Assert.Equal(["a", "b"], recoveries.Keys);
        Assert.Equal((3, 3.0, 9.0), (recoveries["a"].Count, recoveries["a"].MedianSeconds, recoveries["a"].MaximumSeconds));
        Assert.Equal((2, 5.5, 6.0), (recoveries["b"].Count, recoveries["b"].MedianSeconds, recoveries["b"].MaximumSeconds));
    }

    [Fact]
    public async Task The_file_has_the_numbers_that_scripts_look_for()
    {
        var path = Path.Combine(folder.FullName, "chaos.json");
        await Report([]).WriteAsync(path, TestContext.Current.CancellationToken);
        var json = JsonElement.Parse(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal(2, json.GetProperty("faults").GetInt32());
        Assert.Equal(0, json.GetProperty("rounds_lost").GetInt32());
        Assert.True(json.GetProperty("hash_equal").GetBoolean());
        Assert.Equal(4.5, json.GetProperty("recoveries").GetProperty("worker_killed").GetProperty("median_seconds").GetDouble());
        Assert.Equal("node_1", json.GetProperty("happened")[0].GetProperty("target").GetString());
        Assert.Equal((1, true), (json.GetProperty("idle").GetInt32(), json.GetProperty("happened")[1].GetProperty("idle").GetBoolean()));
        Assert.Equal((1, true), (json.GetProperty("at_work").GetInt32(), json.GetProperty("happened")[0].GetProperty("at_work").GetBoolean()));
        Assert.Equal("why", json.GetProperty("not_possible").GetProperty("disk_full").GetString());
    }

    [Fact]
    public void The_summary_says_what_happened_and_what_was_wrong()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        ChaosScreen.WriteSummary(new CliConsole(output, error), Report([]));
        Assert.Contains("worker_killed             2       4.5     6.0", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("1 of 2 faults met nothing under way: 1 worker_killed.", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("Rounds lost: 0 of 3. Attempts executed again: 1.", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("equal.", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("Chaos passed: 2 of 2 faults on embedded", output.ToString(), StringComparison.Ordinal);
        Assert.Empty(error.ToString());

        ChaosScreen.WriteSummary(new CliConsole(output, error), Report(["round 2 differs"]));
        Assert.Contains("round 2 differs", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Chaos FAILED", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_trial_passes_with_no_problem_the_same_hash_and_no_round_lost_alone()
    {
        Assert.True(Report([]).Passed);
        Assert.False(Report(["one"]).Passed);
        Assert.False((Report([]) with { HashEqual = false }).Passed);
        Assert.False((Report([]) with { RoundsLost = 1 }).Passed);
    }

    private static FaultReport Fault(string kind, double? seconds) =>
        new() { Number = 1, Kind = kind, Round = 1, Alias = "worker", Target = "node_1", RecoverySeconds = seconds, Note = null };

    private static ChaosReport Report(string[] problems)
    {
        FaultReport[] faults = [Fault("worker_killed", 3) with { AtWork = true }, Fault("worker_killed", 6) with { Idle = true }];
        return new ChaosReport
        {
            Problems = [.. problems], Swarm = "s", Broker = "embedded", Nodes = 3, Seed = 1, Planned = 2, Faults = 2, Rounds = 3, RoundsLost = 0,
            HashEqual = true, GlobalSha256 = "aa", UndisturbedSha256 = "aa", ReexecutedAttempts = 1, Recoveries = Recoveries.Of(faults),
            NotPossible = ImmutableSortedDictionary<string, string>.Empty.Add("disk_full", "why"), Happened = [.. faults], UndisturbedSeconds = 1, Seconds = 2,
        };
    }
}
