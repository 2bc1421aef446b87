using System.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>A thousand participants at once overflow neither the queues of a broker as it comes nor a node.</summary>
public sealed class CrowdTests
{
    private const int Size = 1000;

    [Fact]
    public void A_thousand_that_complete_at_the_same_instant_overflow_no_queue_and_are_one_commit()
    {
        using var scene = Begin(new CrowdHabits());
        Assert.True(scene.Run(() => scene.Crowd.State?.Status.IsFinal() ?? false, 400), scene.Crowd.State?.Waiting);
        Tell(scene);
        Assert.Equal((RunStatus.Completed, 2), (scene.Crowd.State!.Status, scene.Crowd.State.Round));
        Assert.Equal((Size, Size), scene.Figures.Commits[(1, "worker")]);
        Assert.Equal((Size, Size), scene.Figures.Commits[(2, "worker")]);
        Assert.All(scene.Crowd.State.History, h => Assert.Equal((Size, 0), (h.Participants, h.LeftOut.Length)));
        Assert.All(scene.Crowd.Participants, p => Assert.Equal(2, p.Trainings));
        Assert.Empty(scene.Figures.Dropped);
        Assert.Equal(0, scene.DroppedByNodes);
        Assert.InRange(scene.Figures.LargestState, 1, 64 * 1024);
    }

    [Fact]
    public void If_they_all_spoke_at_once_the_queue_of_the_coordinator_would_overflow()
    {
        using var scene = Begin(new CrowdHabits { HeedsSpread = false });
        scene.Run(() => scene.Figures.Commits.ContainsKey((1, "worker")), 60);
        Tell(scene);
        Assert.Contains(scene.Figures.Dropped.Keys, k => k.EndsWith(".coordinator tasks", StringComparison.Ordinal));
    }

    private static CrowdScene Begin(CrowdHabits habits)
    {
        var scene = new CrowdScene(habits);
        scene.StartNodes();
        scene.Run(3);
        scene.Crowd.Join(habits.Joining);
        scene.Publish(CrowdScene.Definition(rounds: 2, minimumNodes: habits.Size));
        return scene;
    }

    private static void Tell(CrowdScene scene) => TestContext.Current.TestOutputHelper?.WriteLine($"{scene.World.Now} steps {scene.World.Steps}\n{scene.Figures}");
}
