using System.Collections.Concurrent;
using System.Text;
using MantaLight.Checkpoints;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Swarms;

namespace MantaLight.Tests.Checkpoints;

/// <summary>Whole swarms that are kept round by round, and others that go on from what was kept.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-resume-");
    private readonly ConcurrentQueue<CheckpointNews> news = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_run_that_goes_on_from_a_checkpoint_ends_with_the_bits_of_the_one_that_never_stopped()
    {
        var undisturbed = await RunAsync(SwarmHarness.Definition(rounds: 5, minimumNodes: 2), Keep());
        Assert.Equal(["vectors-round-1", "vectors-round-2", "vectors-round-3", "vectors-round-4", "vectors-round-5"], Files());
        Assert.Equal(undisturbed.History.Select(h => h.GlobalSha256), await Task.WhenAll(Enumerable.Range(1, 5).Select(HashOfAsync)));

        var resumed = await RunAsync(SwarmHarness.Definition(rounds: 5, minimumNodes: 2), null, resumeFrom: 2);
        Assert.Equal((RunStatus.Completed, 5), (resumed.Status, resumed.Round));
        Assert.Equal([3, 4, 5], resumed.History.Select(h => h.Round));
        Assert.Equal(undisturbed.History.Skip(2).Select(h => h.GlobalSha256), resumed.History.Select(h => h.GlobalSha256));
    }

    [Fact]
    public async Task What_the_server_remembers_goes_on_too()
    {
        var definition = SwarmHarness.Definition(rounds: 5, minimumNodes: 2).Replace(
            "\"type\": \"FedAvg\"", "\"type\": \"Aggregate\", \"options\": { \"aggregate\": [\"clip 1.5\", \"trimmed_mean b=0\", \"adam lr=0.03\"] }", StringComparison.Ordinal);
        var undisturbed = await RunAsync(definition, Keep());
        Assert.Equal(5, undisturbed.History.Select(h => h.GlobalSha256).Distinct().Count());
        Assert.Contains("global_model_params_variance", (await ReadAsync(2)).Info.Weights.Keys);

        var resumed = await RunAsync(definition, null, resumeFrom: 2);
        Assert.Equal(undisturbed.History.Skip(2).Select(h => h.GlobalSha256), resumed.History.Select(h => h.GlobalSha256));
    }

    [Fact]
    public async Task A_finished_run_goes_on_with_a_higher_maximum_as_if_it_had_had_it_from_the_start()
    {
        await RunAsync(SwarmHarness.Definition(rounds: 2, minimumNodes: 2), Keep());
        var longer = await RunAsync(SwarmHarness.Definition(rounds: 4, minimumNodes: 2), null);
        var resumed = await RunAsync(SwarmHarness.Definition(rounds: 4, minimumNodes: 2), null, resumeFrom: 2);
        Assert.Equal(longer.History[^1].GlobalSha256, resumed.History[^1].GlobalSha256);
    }

    [Fact]
    public async Task Globals_of_json_and_what_was_asked_for_next_go_on_too()
    {
        var definition = SwarmHarness.Definition(rounds: 4, minimumNodes: 2)
            .Replace("VectorScheduler\"", "PickyScheduler\"", StringComparison.Ordinal)
            .Replace("\"tasks\": [", "\"tasks\": [ { \"alias\": \"diary\", \"type\": \"Diary\", \"after\": [\"worker\"] },", StringComparison.Ordinal);
        var undisturbed = await RunAsync(definition, Keep());
        var kept = await ReadAsync(2);
        Assert.Equal("worker", kept.Info.FromAlias);
        Assert.Equal(["node_0"], kept.Info.FromNodes!.Value.AsEnumerable());
        Assert.Equal(2, kept.Info.Values["days"].GetProperty("count").GetInt32());
        Assert.StartsWith("round 2", kept.Info.Values["diary"][1].GetString(), StringComparison.Ordinal);

        var resumed = await RunAsync(definition, null, resumeFrom: 2);
        Assert.Equal(undisturbed.History.Skip(2).Select(h => (h.Participants, h.GlobalSha256)), resumed.History.Select(h => (h.Participants, h.GlobalSha256)));
        Assert.Equal(Content(undisturbed, "diary").Blob!.Sha256, Content(resumed, "diary").Blob!.Sha256);
        Assert.Equal(4, Content(resumed, "days").Value!.Value.GetProperty("count").GetInt32());

        static ValueRef Content(SwarmState state, string tag) => state.Globals.Single(g => g.Tag == tag).Content;
    }

    [Fact]
    public async Task Every_so_many_rounds_and_the_last_one_are_written_and_the_newest_are_kept()
    {
        var foreign = Path.Combine(folder.FullName, "vectors-round-1-round-9.safetensors");
        await File.WriteAllTextAsync(foreign, "another swarm's", Stop);
        await RunAsync(SwarmHarness.Definition(rounds: 5, minimumNodes: 2), Keep() with { Every = 2, Keep = 2 });
        Assert.Equal([2, 4, 5], news.Select(n => n.Round));
        Assert.Equal(["vectors-round-1-round-9", "vectors-round-4", "vectors-round-5"], Files());
    }

    [Fact]
    public async Task A_round_that_cannot_be_kept_is_told_with_the_reason_and_ends_nothing()
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1));
        await swarm.WaitForEndAsync();
        var state = ProtocolJson.Read<SwarmState>(new(broker.Retained[swarm.Topics.State("vectors")]), out _)!;
        // A definition that is another one than the state's: as when it was replaced meanwhile.
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2));
        await swarm.WaitAsync(s => s.Status == RunStatus.Completed && s.Round == 2);
        await using var watcher = await broker.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, Stop);
        await using (await CheckpointKeeper.StartAsync(watcher, swarm.Topics.Cluster, "vectors", Keep(), news.Enqueue, TimeProvider.System, Stop))
        {
            await SwarmHarness.EventuallyAsync(() => news.Count == 1);
            await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.State("vectors"), ProtocolJson.Write(state)), Stop);
            await SwarmHarness.EventuallyAsync(() => news.Count == 2);
        }
        Assert.Equal([2, 1], news.Select(n => n.Round));
        Assert.Contains("its definition", news.Last().Problem, StringComparison.Ordinal);
        Assert.Equal(["vectors-round-2"], Files());
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_to_is_refused_at_the_start()
    {
        var file = Path.Combine(folder.FullName, "file");
        await File.WriteAllTextAsync(file, "", Stop);
        var broker = new SimulatedBroker();
        await using var watcher = await broker.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, Stop);
        var error = await Assert.ThrowsAsync<CheckpointException>(
            () => CheckpointKeeper.StartAsync(watcher, "local", null, new CheckpointOptions { Folder = file }, news.Enqueue, TimeProvider.System, Stop));
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_but_the_tombstone_is_left_when_a_resumed_swarm_is_removed()
    {
        await RunAsync(SwarmHarness.Definition(rounds: 1, minimumNodes: 1), Keep());
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 1);
        await DeployAsync(swarm, SwarmHarness.Definition(rounds: 3), resumeFrom: 1);
        await swarm.WaitForEndAsync();
        await swarm.PublishDefinitionAsync("");
        await swarm.WaitAsync(s => s.Status == RunStatus.Removed);
        await SwarmHarness.EventuallyAsync(() => !broker.Retained.Keys.Any(k => k.Contains("/blobs/", StringComparison.Ordinal) || k.Contains("/globals/", StringComparison.Ordinal)));
    }

    private CheckpointOptions Keep() => new() { Folder = folder.FullName };

    private string[] Files() => [.. folder.EnumerateFiles().Select(f => Path.GetFileNameWithoutExtension(f.Name)).Order(StringComparer.Ordinal)];

    private async Task<string> HashOfAsync(int round) => (await ReadAsync(round)).Info.Weights["global_model_params"];

    private Task<Checkpoint> ReadAsync(int round) => Checkpoint.ReadAsync(Path.Combine(folder.FullName, $"vectors-round-{round}.safetensors"), Stop);

    /// <summary>A run on a broker and nodes of its own.</summary>
    private async Task<SwarmState> RunAsync(string definition, CheckpointOptions? keep, int? resumeFrom = null)
    {
        var broker = new SimulatedBroker();
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 0);
        await using var watcher = await broker.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, Stop);
        await using var keeper = keep is null ? null : await CheckpointKeeper.StartAsync(watcher, swarm.Topics.Cluster, null, keep, news.Enqueue, TimeProvider.System, Stop);
        // These rounds are shorter than any real ones: each begins when the one before it has been kept.
        Func<int, string, CancellationToken, Task> before = (round, alias, stop) =>
            alias == "worker" && round > 1 && (round - 1) % (keep?.Every ?? int.MaxValue) == 0 ? EventuallyToldAsync(round - 1).WaitAsync(stop) : Task.CompletedTask;
        for (var i = 0; i < 2; i++)
            await swarm.AddNodeAsync(swarm.Settings($"node_{i}") with { BeforeAttempt = before });
        await DeployAsync(swarm, definition, resumeFrom);
        var end = await swarm.WaitForEndAsync();
        // The watcher's connection may hear of the end later than the owner's.
        if (keeper is not null)
            await EventuallyToldAsync(end.Round);
        return end;
    }

    private async Task EventuallyToldAsync(int round)
    {
        try
        {
            await SwarmHarness.EventuallyAsync(() => news.Any(n => n.Round == round));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"No news of round {round}, but: {string.Join("; ", news)}", e);
        }
    }

    private async Task DeployAsync(SwarmHarness swarm, string definition, int? resumeFrom)
    {
        var read = SwarmJson.Parse(Encoding.UTF8.GetBytes(definition));
        if (resumeFrom is { } round)
            read = read with { Start = await CheckpointStart.PublishAsync(swarm.Owner, swarm.Topics.Cluster, "vectors", await ReadAsync(round), TimeProvider.System, Stop) };
        await swarm.PublishDefinitionAsync(Encoding.UTF8.GetString(SwarmJson.Write(read)));
    }
}
