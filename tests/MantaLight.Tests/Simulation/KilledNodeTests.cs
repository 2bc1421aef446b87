using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>A node that is killed, and has no time for a goodbye, has on its disk what it had done.</summary>
public sealed class KilledNodeTests
{
    private const string Swarm = "swarm_0";
    private const int Size = 3;
    private const int Rounds = 4;

    // The setup; in each round everybody trains and tests, and somebody aggregates and schedules.
    private const int Undisturbed = 1 + (Rounds * (Size + 1 + Size + 1));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_killed_node_had_completed_is_not_done_again(bool isCoordinator)
    {
        var scene = Scene.Begin(Size, Rounds, Swarm);
        scene.Run(() => Completed(scene, isCoordinator) is not null);
        var done = Completed(scene, isCoordinator)!;
        var node = scene.Node(done.From);
        node.Kill();
        scene.After(TimeSpan.FromSeconds(5), node.Start);
        scene.RunToTheEnd();
        Assert.Equal(Undisturbed, scene.Attempts);
        // A successor knows nothing of the record that the node had sent: it is told it again by the node's next start.
        Assert.Equal(isCoordinator, scene.Updates.OfType<TaskCompleted>().Any(c => c.Attempt == done.Attempt && c.Incarnation != done.Incarnation));
        Assert.Equal(RunStatus.Completed, scene.States[Swarm].Status);
        Assert.All(scene.States[Swarm].History, h => Assert.Equal(Size, h.Participants));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(500)]
    public void A_loss_of_power_costs_what_had_been_completed_in_the_moment_before_and_was_not_flushed(int milliseconds)
    {
        var scene = Scene.Begin(Size, Rounds, Swarm);
        scene.Run(() => Completed(scene, isCoordinator: false) is not null);
        var node = scene.Node(Completed(scene, isCoordinator: false)!.From);
        var until = scene.Now + TimeSpan.FromMilliseconds(milliseconds);
        scene.Run(() => scene.Now >= until);
        node.Kill(losesPower: true);
        scene.After(TimeSpan.FromSeconds(5), node.Start);
        scene.RunToTheEnd();
        Assert.Equal(RunStatus.Completed, scene.States[Swarm].Status);
        Assert.All(scene.States[Swarm].History, h => Assert.Equal(Size, h.Participants));
        // What was under way when it was killed is begun again in any case.
        Assert.InRange(scene.Attempts, Undisturbed, Undisturbed + (milliseconds == 0 ? 2 : 1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_coordinator_that_is_killed_has_a_successor_within_thirty_seconds(bool inSilence)
    {
        var scene = Scene.Begin(Size, Rounds, Swarm);
        scene.Run(() => scene.States.GetValueOrDefault(Swarm) is { Round: 2 });
        var before = scene.States[Swarm];
        var node = scene.Node(before.From);
        // Its broker finds out by itself, or not before it has missed its pings.
        node.Network!.DiesInSilence = inSilence;
        node.Kill();
        var killed = scene.Now;
        scene.Run(() => scene.States[Swarm].Term > before.Term);
        Assert.InRange((scene.Now - killed).TotalSeconds, 1, 30);
        Assert.Equal((before.Run, before.Round), (scene.States[Swarm].Run, scene.States[Swarm].Round));
        scene.After(TimeSpan.FromSeconds(5), node.Start);
        scene.RunToTheEnd();
        Assert.Equal(RunStatus.Completed, scene.States[Swarm].Status);
    }

    [Fact]
    public void Without_its_disk_it_would_be_done_again()
    {
        var scene = Scene.Begin(Size, Rounds, Swarm);
        scene.Run(() => Completed(scene, isCoordinator: false) is not null);
        var node = scene.Node(Completed(scene, isCoordinator: false)!.From);
        node.Kill();
        node.Disk.Clear();
        scene.After(TimeSpan.FromSeconds(5), node.Start);
        scene.RunToTheEnd();
        Assert.True(scene.Attempts > Undisturbed);
        Assert.Equal(RunStatus.Completed, scene.States[Swarm].Status);
    }

    [Fact]
    public void What_the_disk_of_a_running_node_spoils_before_it_was_fetched_is_made_again_where_it_is_needed()
    {
        // The aggregate goes on without it, and says so; the audit needs it.
        var scene = Scene.Begin(Size, Rounds, swarm => swarm with { Forks = true }, Swarm);
        scene.Run(() => Fetched(scene) is not null);
        var done = Fetched(scene)!;
        var hash = done.Results.Select(r => r.Content.Blob).OfType<BlobRef>().Single().Sha256;
        var disk = scene.Node(done.From).Disk;
        disk.Corrupt($"blobs/{hash}");
        scene.Run(() => scene.Updates.OfType<TaskCompleted>().Any(c => c.Alias == "audit" && c.Round == done.Round));
        Assert.True(disk.HasIntact($"blobs/{hash}", hash));
        Assert.Contains(scene.Updates.OfType<TaskCompleted>(), c => c.Alias == "worker" && c.Round == done.Round && c.From == done.From && c.Attempt != done.Attempt);
        scene.RunToTheEnd();
        Assert.Equal(RunStatus.Completed, scene.States[Swarm].Status);
        Assert.Contains(scene.States[Swarm].History[0].LeftOut, l => l.Node == done.From && l.Reason.Contains("has the hash", StringComparison.Ordinal));
    }

    /// <summary>The record of a node that has trained while others still train, and whose result another one will fetch.</summary>
    private static TaskCompleted? Fetched(Scene scene) =>
        scene.States.GetValueOrDefault(Swarm) is { } state && state.Tasks.FirstOrDefault(t => t.Alias == "worker") is { Phase: TaskPhase.Running }
            ? scene.Updates.OfType<TaskCompleted>().FirstOrDefault(c => c.Round == state.Round && c.Alias == "worker" && !state.Tasks.Any(t => t.Alias is "aggregator" or "audit" && t.Nodes.Contains(c.From)))
            : null;

    /// <summary>The record of a node that has trained while others still train.</summary>
    private static TaskCompleted? Completed(Scene scene, bool isCoordinator) =>
        scene.States.GetValueOrDefault(Swarm) is { } state && state.Tasks.FirstOrDefault(t => t.Alias == "worker") is { Phase: TaskPhase.Running }
            ? scene.Updates.OfType<TaskCompleted>().FirstOrDefault(c => c.Round == state.Round && c.Alias == "worker" && c.From == state.From == isCoordinator)
            : null;
}
