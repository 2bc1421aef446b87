using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Cli;
using MantaLight.Cli.Chaos.Faults;
using MantaLight.Cli.Chaos.Processes;
using MantaLight.Cli.Chaos.Watch;
using MantaLight.Cli.Data;
using MantaLight.Cli.Swarms;
using MantaLight.Integration.Tests.Cli;
using MantaLight.Integration.Tests.Data;
using MantaLight.Protocol;
using MantaLight.Integration.Tests.Swarms;
using MantaLight.Swarms;

namespace MantaLight.Integration.Tests.Chaos;

/// <summary>Real processes under real faults, on a few synthetic digits.</summary>
public sealed class ChaosCommandTests : IDisposable
{
    private const int Nodes = 3;
    private const string OnEmbedded = "coordinator_killed,broker_killed,worker_killed,connection_cut,aggregator_killed,disk_full,worker_paused,latency_added";
    private const string OnMosquitto = "broker_lost,scheduler_killed,connection_cut,coordinator_paused,aggregator_paused,scheduler_paused,coordinator_frozen,all_killed";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly string Example = Path.Combine(MnistFixture.Repository, "examples", "Mnist");

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-chaos-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public Task Faults_of_eight_kinds_change_nothing_on_the_embedded_broker() =>
        PassesAsync("embedded", OnEmbedded);

    [Fact]
    public async Task Faults_of_eight_kinds_change_nothing_on_mosquitto()
    {
        Needs.That(BrokerProcess.Mosquitto is not null, "mosquitto is not installed; install the package 'mosquitto'.");
        await PassesAsync("mosquitto", OnMosquitto);
    }

    [Fact]
    public void No_kind_of_fault_is_left_out_here() => Assert.Equal(
        AllFaults.All.Select(f => f.Kind.Name).Order(StringComparer.Ordinal), $"{OnEmbedded},{OnMosquitto}".Split(',').Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public async Task When_all_nodes_and_the_broker_are_killed_at_once_the_swarm_goes_on_by_itself_from_the_last_commit()
    {
        await SyntheticDigits.WriteAsync(folder.FullName, Nodes, Cancelled);
        var definition = await DefinitionAsync(rounds: 3);
        var undisturbed = await UndisturbedAsync();
        var module = Path.Combine(AppContext.BaseDirectory, $"{definition.Module}.dll");
        ClusterSettings settings = new(Path.Combine(folder.FullName, "cluster"), BrokerKind.Embedded, definition.Name, module, [.. Enumerable.Range(0, Nodes).Select(Data)]);
        await using var cluster = await ChaosCluster.StartAsync(settings, smallDisks: false, brake => brake.Hold([(2, "aggregator")]), TimeProvider.System, Cancelled);
        await cluster.Wire.DefineAsync(SwarmJson.Write(definition), Cancelled);
        // In the middle of round 2, which cannot end before it is let.
        Assert.NotNull(await cluster.Wire.UntilAsync(v => v.Task(2, "aggregator")?.Phase == TaskPhase.Running, Patience, Cancelled));
        var before = cluster.Wire.View;

        await Task.WhenAll(cluster.Nodes.Select(n => n.KillAsync()).Append(cluster.Broker.KillAsync()));
        await cluster.Broker.StartAsync(Cancelled);
        foreach (var node in cluster.Nodes)
            node.Start();
        Assert.NotNull(await cluster.Wire.UntilAsync(v => cluster.Nodes.All(n => Recovery.IsBack(v, n)) && Recovery.IsSucceeded(v, before.Claim!.Term), Patience, Cancelled));
        cluster.Brake.Release(2, "aggregator");
        Assert.NotNull(await cluster.Wire.UntilAsync(v => v.State?.Status.IsFinal() == true, Patience, Cancelled));

        var after = cluster.Wire.View;
        Assert.Equal((RunStatus.Completed, before.State!.Run), (after.State!.Status, after.State.Run));
        Assert.Equal(undisturbed, after.Rounds.Values.Select(r => r.GlobalSha256));
        // What was committed before stands as it was.
        Assert.Equal(before.Rounds[1], after.Rounds[1] with { Metrics = before.Rounds[1].Metrics, Spread = before.Rounds[1].Spread, LeftOut = before.Rounds[1].LeftOut });
    }

    [Theory]
    [InlineData("there are coordinator_killed", "--kinds", "worker_killed,everything")]
    [InlineData("--faults 0 is not possible", "--faults", "0")]
    [InlineData("embedded", "--broker", "rabbitmq")]
    public async Task What_cannot_be_is_refused_before_anything_starts(string message, params string[] arguments)
    {
        var run = await CliRun.OfAsync(["chaos", Example, .. arguments]);
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains(message, run.Output + run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_swarm_that_fails_by_itself_fails_the_trial_and_leaves_its_logs()
    {
        await SyntheticDigits.WriteAsync(folder.FullName, nodes: 1, Cancelled, brokenTestData: true);
        var (code, report) = await ChaosAsync("embedded", "worker_killed", 1, nodes: 1);
        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains("test", report.GetProperty("problems")[0].GetString(), StringComparison.Ordinal);
        var logs = report.GetProperty("logs").GetString()!;
        Assert.NotEmpty(Directory.EnumerateFiles(logs, "node.log", SearchOption.AllDirectories));
        Directory.Delete(logs, recursive: true);
    }

    private async Task PassesAsync(string broker, string kinds)
    {
        await SyntheticDigits.WriteAsync(folder.FullName, Nodes, Cancelled);
        var faults = kinds.Split(',').Length;
        var (code, report) = await ChaosAsync(broker, kinds, faults);
        Assert.True(code == 0, report.ToString());
        Assert.True(report.GetProperty("hash_equal").GetBoolean());
        Assert.Equal(0, report.GetProperty("rounds_lost").GetInt32());
        Assert.Equal(faults, report.GetProperty("faults").GetInt32());
        Assert.Equal(kinds.Split(',').Order(StringComparer.Ordinal), report.GetProperty("recoveries").EnumerateObject().Select(r => r.Name));
    }

    private async Task<(int Code, JsonElement Report)> ChaosAsync(string broker, string kinds, int faults, int nodes = Nodes)
    {
        var json = Path.Combine(folder.FullName, "chaos.json");
        var run = await CliRun.OfAsync(
            "chaos", Example, "--nodes", $"{nodes}", "--rounds", "2", "--faults", $"{faults}", "--kinds", kinds, "--broker", broker, "--data", folder.FullName, "--json", json);
        Assert.True(File.Exists(json), $"exit code {run.Code}\n{run.Output}\n{run.Error}");
        return (run.Code, JsonElement.Parse(await File.ReadAllBytesAsync(json, Cancelled)));
    }

    private async Task<string[]> UndisturbedAsync()
    {
        var json = Path.Combine(folder.FullName, "run.json");
        var run = await CliRun.OfAsync("run", Example, "--nodes", $"{Nodes}", "--rounds", "3", "--data", folder.FullName, "--json", json);
        Assert.True(run.Code == 0, run.Output + run.Error);
        return [.. JsonElement.Parse(await File.ReadAllBytesAsync(json, Cancelled)).GetProperty("rounds").EnumerateArray().Select(r => r.GetProperty("global_sha256").GetString()!)];
    }

    private static async Task<SwarmDefinition> DefinitionAsync(int rounds)
    {
        var read = await SwarmSource.Find(Example).ReadAsync(new DefinitionChanges([], rounds), Cancelled);
        return read with { Rounds = read.Rounds with { MinimumNodes = Nodes } };
    }

    private (string Id, ImmutableSortedDictionary<string, string> Datasets) Data(int node)
    {
        var partitions = new MnistPartitions { Nodes = Nodes, Output = folder.FullName };
        return (MnistPartitions.NameOf(node), ImmutableSortedDictionary<string, string>.Empty.Add("mnist", partitions.FileOf(node)));
    }
}
