using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>Swarms that share a cluster share its nodes, and the work of coordinating.</summary>
public sealed class ManySwarmsTests
{
    private static readonly string[] Swarms = [.. Enumerable.Range(0, 6).Select(i => $"swarm_{i}")];

    [Fact]
    public void Each_swarm_is_coordinated_by_the_first_of_its_own_order_and_all_complete()
    {
        var scene = Scene.Begin(nodes: 4, rounds: 2, Swarms);
        scene.Run(() => Swarms.All(s => scene.States.ContainsKey(s)));
        var holders = Swarms.ToDictionary(s => s, s => scene.Claim(s)!.From);
        Assert.All(holders, h => Assert.Equal(Rendezvous.Order(h.Key, scene.Nodes.Select(n => n.Id)).First(), h.Value));
        Assert.InRange(holders.Values.Distinct().Count(), 2, 4);
        scene.RunToTheEnd();
        // Nobody else has ever had the seat.
        Assert.All(Swarms, s => Assert.Equal((holders[s], 1L, RunStatus.Completed, 2), (scene.Claim(s)!.From, scene.Claim(s)!.Term, scene.States[s].Status, scene.States[s].Round)));
    }

    [Theory]
    [InlineData("node_1")]
    [InlineData("node_2")]
    [InlineData("node_3")]
    public void A_node_that_is_killed_leaves_its_own_swarms_to_the_next_of_each_and_no_other(string killed)
    {
        var scene = Scene.Begin(nodes: 4, rounds: 3, Swarms);
        scene.Run(() => Swarms.All(s => scene.States.TryGetValue(s, out var state) && state.Round >= 1));
        var runs = Swarms.ToDictionary(s => s, s => scene.States[s].Run);
        var orphans = Swarms.Where(s => scene.Claim(s)!.From == killed).ToHashSet();
        Assert.InRange(orphans.Count, 1, Swarms.Length - 1);
        scene.Node(killed).Kill();
        scene.Run(() => orphans.All(s => scene.Claim(s)!.From != killed));
        scene.Node(killed).Start();
        scene.RunToTheEnd();
        foreach (var swarm in Swarms)
        {
            var order = Rendezvous.Order(swarm, scene.Nodes.Select(n => n.Id)).ToArray();
            var expected = orphans.Contains(swarm) ? (order[1], 2L) : (order[0], 1L);
            Assert.Equal(expected, (scene.Claim(swarm)!.From, scene.Claim(swarm)!.Term));
            Assert.Equal((RunStatus.Completed, runs[swarm], 3), (scene.States[swarm].Status, scene.States[swarm].Run, scene.States[swarm].Round));
            Assert.All(scene.States[swarm].History, h => Assert.Equal(4, h.Participants));
        }
    }
}
