namespace MantaLight.Simulation;

/// <summary>A short soak; the simulation's runner has the long one.</summary>
[Collection(nameof(Alone))]
public sealed class SoakTests
{
    [Fact]
    public void A_swarm_whose_nodes_fail_every_minute_goes_on_gathers_nothing_and_leaves_a_tombstone_alone()
    {
        var outcome = Soak.Run(new SoakSettings { Duration = TimeSpan.FromMinutes(30), Nodes = 5, Worker = nameof(PatientWorker) }, _ => { });
        Assert.True(outcome.Violations.Count == 0, string.Join('\n', outcome.Violations));
        Assert.True(outcome.Samples.Sum(s => s.Rounds) > 100);
        Assert.Equal(29, outcome.Samples.Sum(s => s.Failures));
    }
}
