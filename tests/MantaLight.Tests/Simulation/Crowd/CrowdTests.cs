using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>A thousand nodes at once, three of them real, overflow neither the queues of a broker as it comes nor a node.</summary>
public sealed class CrowdTests
{
    private const int Real = 3;
    private const int Size = 1000;
    private static readonly CrowdHabits Ordinary = new() { Size = Size - Real };

    [Theory]
    [InlineData(1, 5)]
    [InlineData(20, 40)]
    public void A_thousand_that_complete_at_the_same_instant_overflow_no_queue_and_are_one_commit(int leastMilliseconds, int mostMilliseconds)
    {
        using var scene = Begin(Ordinary, CrowdScene.Ordinary with
        {
            MinimumLatency = TimeSpan.FromMilliseconds(leastMilliseconds), MaximumLatency = TimeSpan.FromMilliseconds(mostMilliseconds),
        });
        Assert.True(scene.Run(() => scene.Crowd.State?.Status.IsFinal() ?? false, 400), scene.Crowd.State?.Waiting);
        Tell(scene);
        Assert.Equal((RunStatus.Completed, 2), (scene.Crowd.State!.Status, scene.Crowd.State.Round));
        Assert.All(scene.Crowd.State.History, h => Assert.Equal((Size, 0), (h.Participants, h.LeftOut.Length)));
        Assert.All(scene.Crowd.Participants, p => Assert.Equal((2, 0), (p.Trainings, p.Cancelled)));
        for (var round = 1; round <= 2; round++)
        {
            Assert.Equal((Size, Size), scene.Figures.Commits[(round, "worker")]);
            // Over the four seconds that they were asked to spread their records, so the real nodes too.
            var records = scene.Figures.Records.Where(r => r.Key.Round == round).ToArray();
            Assert.InRange(records.Max(r => r.Value) - records.Min(r => r.Value), TimeSpan.FromSeconds(3.9), TimeSpan.FromSeconds(4.6));
            Assert.InRange(records.GroupBy(r => Math.Floor(r.Value.TotalSeconds)).Max(g => g.Count()), 200, 300);
            Assert.Equal(Real, records.Where(r => r.Key.Node.StartsWith("node_", StringComparison.Ordinal)).DistinctBy(r => Math.Round(r.Value.TotalSeconds, 1)).Count());
        }
        Assert.All(scene.Figures.Reports.Values, count => Assert.InRange(count, 2, 12));
        AssertNothingWasLost(scene);
        Assert.InRange(scene.Figures.LargestState, 1, 64 * 1024);
    }

    [Fact]
    public void If_they_all_spoke_at_once_the_queue_of_the_coordinator_would_overflow()
    {
        using var scene = Begin(Ordinary with { HeedsSpread = false });
        scene.Run(() => scene.Figures.Commits.ContainsKey((1, "worker")), 60);
        Tell(scene);
        Assert.Contains(scene.Figures.Dropped.Keys, k => k.EndsWith(".coordinator tasks", StringComparison.Ordinal));
    }

    [Fact]
    public void A_successor_calls_the_roll_of_a_thousand_without_a_flood_and_nothing_is_made_again()
    {
        // Half of them have completed when the coordinator dies, the others are at work.
        using var scene = Begin(Ordinary with { Ends = (number, now) => TimeSpan.FromSeconds(number % 2 == 0 ? 20 : 80) });
        scene.Run(() => scene.World.Now > TimeSpan.FromSeconds(30), 60);
        KillCoordinator(scene);
        Assert.True(scene.Run(() => scene.Figures.Commits.ContainsKey((1, "worker")), 400), scene.Crowd.State?.Waiting);
        Tell(scene);
        Assert.Equal(2, scene.Figures.Coordinators.Count);
        // All of them were heard: nobody was scheduled once more.
        Assert.Equal(Size, scene.Figures.Counts["schedule"]);
        Assert.Equal((Size, Size), scene.Figures.Commits[(1, "worker")]);
        Assert.All(scene.Crowd.Participants, p => Assert.Equal((1, 0), (p.Trainings, p.Cancelled)));
        // A thousand presences are replayed to a node that starts, and others may come meanwhile.
        Assert.DoesNotContain(scene.Figures.Dropped.Keys, k => !k.EndsWith(" presence", StringComparison.Ordinal));
        Assert.InRange(scene.Figures.Dropped.Values.Sum(), 0, 1);
        Assert.Equal(0, scene.DroppedByNodes);
    }

    [Fact]
    public void Nodes_whose_presence_the_broker_does_not_replay_are_found()
    {
        const int many = 1300;
        using var scene = new CrowdScene(Ordinary with { Size = many });
        scene.Crowd.Join(TimeSpan.FromSeconds(1));
        scene.World.After(TimeSpan.FromSeconds(2), scene.StartNodes);
        scene.Run(3);
        scene.Run(3);
        scene.Publish(CrowdScene.Definition(rounds: 1, minimumNodes: 1));
        Assert.True(scene.Run(() => scene.Figures.Commits.ContainsKey((1, "worker")), 400), scene.Crowd.State?.Waiting);
        Tell(scene);
        Assert.Contains(scene.Figures.Dropped, d => d.Key.EndsWith(".coordinator presence", StringComparison.Ordinal) && d.Value > 200);
        Assert.Equal((many + Real, many + Real), scene.Figures.Commits[(1, "worker")]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_broker_that_restarts_is_not_flooded_by_a_thousand_that_come_back(bool losesRetained)
    {
        using var scene = Begin(Ordinary with { Ends = (number, now) => TimeSpan.FromSeconds(number % 2 == 0 ? 20 : 80) });
        scene.Run(() => scene.World.Now > TimeSpan.FromSeconds(30), 60);
        scene.Crowd.Broker.GoDown(losesRetained);
        scene.Run(3);
        scene.Crowd.Broker.ComeUp();
        scene.Crowd.Join(TimeSpan.FromSeconds(10));
        Assert.True(scene.Run(() => scene.Figures.Commits.ContainsKey((1, "worker")), 400), scene.Crowd.State?.Waiting);
        Tell(scene);
        Assert.Equal((Size, Size), scene.Figures.Commits[(1, "worker")]);
        Assert.All(scene.Crowd.Participants, p => Assert.Equal((1, 0), (p.Trainings, p.Cancelled)));
        // A thousand presences are replayed, and more of them come meanwhile.
        Assert.DoesNotContain(scene.Figures.Dropped.Keys, k => !k.EndsWith(" presence", StringComparison.Ordinal));
        Assert.Equal(0, scene.DroppedByNodes);
    }

    private static CrowdScene Begin(CrowdHabits habits, BrokerTemper? temper = null)
    {
        var scene = new CrowdScene(habits, temper);
        scene.StartNodes();
        scene.Run(3);
        scene.Crowd.Join(habits.Joining);
        scene.Publish(CrowdScene.Definition(rounds: 2, minimumNodes: habits.Size + Real));
        return scene;
    }

    private static void KillCoordinator(CrowdScene scene)
    {
        var id = scene.Figures.Coordinators[^1].Node;
        var node = scene.Nodes.Single(n => n.Id == id);
        node.Process!.Kill();
        scene.World.After(TimeSpan.FromSeconds(2), node.Start);
    }

    private static void AssertNothingWasLost(CrowdScene scene)
    {
        Assert.Empty(scene.Figures.Dropped);
        Assert.Equal(0, scene.DroppedByNodes);
    }

    private static void Tell(CrowdScene scene) => TestContext.Current.TestOutputHelper?.WriteLine($"{scene.World.Now} steps {scene.World.Steps}\n{scene.Figures}");
}
