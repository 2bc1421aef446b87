using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>The budgets of a history's traffic can be exceeded: here by storms in a history of three nodes.</summary>
public sealed class TrafficCheckTests
{
    private static readonly HistoryPlan Seeded = HistoryPlan.Of(1).Undisturbed();
    private static readonly HistoryPlan Plan = Seeded with { Nodes = ["node_0", "node_1", "node_2"], Swarms = [Seeded.Swarms[0]] };

    private readonly World world = new(1);
    private readonly TrafficCheck check;

    public TrafficCheckTests()
    {
        check = new TrafficCheck(world, Plan);
        Sees(new CoordinatorClaim { Term = 1 });
    }

    [Fact]
    public void Rounds_as_they_should_be_are_let_pass()
    {
        for (var round = 1; round <= 50; round++)
        {
            for (var i = 0; i < 5; i++)
                Sees(StateOf(round));
            for (var i = 0; i < 8; i++)
            {
                Sees(new ScheduleAttempt { Round = round });
                Sees(new TaskAccepted { Round = round });
                Sees(new TaskCompleted { Round = round });
            }
            Pass(TimeSpan.FromSeconds(5));
            Sees(new CoordinatorBeat { Term = 1 });
        }
        Assert.Null(world.Failure);
    }

    [Fact]
    public void A_coordinator_that_waits_and_tells_its_state_with_every_beat_as_well_is_found_out()
    {
        for (var i = 0; i < 100; i++)
        {
            Pass(TimeSpan.FromSeconds(5));
            Sees(new CoordinatorBeat { Term = 1 });
            Sees(StateOf(1));
            Sees(StateOf(1));
        }
        Assert.Contains("states are more", world.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Nodes_that_answer_every_beat_are_found_out()
    {
        for (var i = 0; i < 100; i++)
        {
            Pass(TimeSpan.FromSeconds(5));
            Sees(new CoordinatorBeat { Term = 1 });
            foreach (var _ in Plan.Nodes)
                Sees(new Presence());
        }
        Assert.Contains("presences are more", world.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Chunks_that_are_asked_for_again_without_a_pause_are_found_out()
    {
        Sees(StateOf(1));
        for (var i = 0; i < 100; i++)
        {
            Sees(new BlobRequest());
            Pass(TimeSpan.FromMilliseconds(10));
        }
        Assert.Contains("requests for chunks are more", world.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Chunks_that_are_sent_over_and_over_are_found_out()
    {
        Sees(StateOf(1));
        for (var i = 0; i < 100; i++)
            check.Seen(new Sighting("node_1", ["nodes", "node_0", "blobs", "abc", "0"], new byte[1000], IsRetained: false, IsLate: false, null));
        Assert.Contains("chunks of results are more", world.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void States_that_grow_are_found_out()
    {
        for (var round = 1; round <= 20; round++)
            Sees(StateOf(round), bytes: 60_000);
        Assert.Contains("bytes of", world.Failure, StringComparison.Ordinal);
    }

    private static SwarmState StateOf(int round) => new() { Swarm = "alpha", Run = "r-1", Term = 1, Round = round };

    private void Sees(ControlMessage message, int bytes = 200) =>
        check.Seen(new Sighting("node_0", ["swarms", "alpha", "any"], new byte[bytes], IsRetained: false, IsLate: false, message));

    private void Pass(TimeSpan span)
    {
        var then = world.Now + span;
        world.At(then, () => { });
        world.Run(() => world.Now >= then, then);
    }
}
