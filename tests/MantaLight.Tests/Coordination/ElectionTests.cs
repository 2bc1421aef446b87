using System.Collections.Immutable;
using MantaLight.Coordination;

namespace MantaLight.Tests.Coordination;

/// <summary>The rules of the election, each by itself.</summary>
public sealed class ElectionTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ElectionTiming timing = new();
    private ElectionState state;
    private DateTimeOffset now = Start;

    public ElectionTests() => state = new ElectionState { Swarm = "s", Node = "a", Incarnation = "i1", Timing = timing, Candidates = ["a"] };

    [Fact]
    public void A_vacant_seat_is_taken_after_a_pause_by_term_1_and_acted_on_after_read_back_and_grace()
    {
        Assert.Empty(Step(new ElectionEvent.Wanted(true)));
        Assert.Empty(Wait(timing.First / 2));
        Assert.IsType<ElectionAction.OpenConnection>(Assert.Single(Wait(timing.First)));
        Assert.Empty(Step(new ElectionEvent.Opened()));
        Assert.Equal(new ElectionAction.PublishClaim(1), Assert.Single(Wait(timing.ReadBack)));
        Assert.Empty(Step(new ElectionEvent.ClaimRead(new Claim(1, "a", "i1"))));
        Assert.Empty(Wait(timing.Grace / 2));
        Assert.Equal([new ElectionAction.Act(1), new ElectionAction.PublishBeat(1)], Wait(timing.Grace));
        Assert.Equal(new ElectionAction.PublishBeat(1), Assert.Single(Wait(timing.Beat)));
    }

    [Fact]
    public void The_term_is_one_more_than_the_one_read_back_on_the_connection_not_than_the_one_remembered()
    {
        Reach(ElectionRole.Reading);
        Assert.Equal(new ElectionAction.PublishClaim(8), Assert.Single(Step(new ElectionEvent.ClaimRead(new Claim(7, "b", "i9")))));
    }

    [Fact]
    public void Where_no_claim_stands_the_term_is_one_more_than_that_of_the_tombstone()
    {
        Reach(ElectionRole.Reading);
        Assert.Empty(Step(new ElectionEvent.StateRead(7)));
        Assert.Equal(new ElectionAction.PublishClaim(8), Assert.Single(Wait(timing.ReadBack)));
    }

    [Theory]
    [InlineData(7, 8)]
    [InlineData(1, 2)]
    [InlineData(0, null)]
    public void A_state_that_comes_behind_ones_own_claim_and_has_its_term_makes_it_claim_a_higher_one(long term, int? claimed)
    {
        Reach(ElectionRole.Claiming);
        ElectionAction[] wanted = claimed is { } higher ? [new ElectionAction.PublishClaim(higher)] : [];
        Assert.Equal(wanted, Step(new ElectionEvent.StateRead(term)));
        Step(new ElectionEvent.ClaimRead(new Claim(1, "a", "i1")));
        Assert.Equal(claimed is null ? ElectionRole.Grace : ElectionRole.Claiming, state.Role);
    }

    [Fact]
    public void A_claim_that_a_predecessors_late_word_has_taken_away_is_put_back_by_whoever_holds_the_seat()
    {
        Reach(ElectionRole.Acting);
        Assert.Equal(new ElectionAction.PublishClaim(1), Assert.Single(Step(new ElectionEvent.ClaimGone())));
    }

    [Fact]
    public void A_claim_that_was_taken_away_leaves_a_vacant_seat()
    {
        Step(new ElectionEvent.Wanted(true));
        Step(new ElectionEvent.ClaimSeen(new Claim(7, "b", "i9")));
        Step(new ElectionEvent.ClaimCleared());
        // Whoever has taken it away may have something left to do.
        Assert.Empty(Wait(timing.Lost / 2));
        Assert.IsType<ElectionAction.OpenConnection>(Assert.Single(Wait(timing.Lost / 2)));
        Assert.Equal(7, state.HighestTerm);
    }

    [Theory]
    [InlineData(2, "b", true)]
    [InlineData(1, "b", true)]
    [InlineData(0, "b", false)]
    public void A_foreign_claim_as_high_as_ones_own_makes_it_stand_down(long term, string node, bool standsDown)
    {
        Reach(ElectionRole.Acting);
        var actions = Step(new ElectionEvent.ClaimRead(new Claim(term, node, "i9")));
        Assert.Equal(standsDown ? ElectionRole.Watching : ElectionRole.Acting, state.Role);
        Assert.Equal(standsDown, actions.Contains(new ElectionAction.CloseConnection(Graceful: false, 1)));
    }

    [Fact]
    public void Whoever_loses_the_connection_stands_down_and_does_not_come_back_at_once()
    {
        Reach(ElectionRole.Acting);
        Assert.Equal(new ElectionAction.CloseConnection(Graceful: false, 1), Assert.Single(Step(new ElectionEvent.ConnectionLost())));
        Assert.Equal(ElectionRole.Watching, state.Role);
        Assert.Empty(Wait(timing.Retry - TimeSpan.FromMilliseconds(1)));
        Assert.IsType<ElectionAction.OpenConnection>(Assert.Single(Wait(5 * timing.Retry)));
    }

    [Fact]
    public void Two_that_push_each_other_out_before_they_can_claim_drift_apart()
    {
        // Both are driven by one clock; the broker admits the later of two connections.
        ElectionState[] nodes = [state with { Candidates = ["a"] }, state with { Node = "b", Candidates = ["b"] }];
        for (var i = 0; i < nodes.Length; i++)
            (nodes[i], _) = ElectionMachine.Step(nodes[i], new ElectionEvent.Wanted(true), now);
        var pushes = 0;
        for (; nodes.All(n => n.Role != ElectionRole.Acting) && now < Start.AddMinutes(5); now += TimeSpan.FromMilliseconds(50))
        {
            for (var i = 0; i < nodes.Length; i++)
            {
                (nodes[i], var actions) = ElectionMachine.Step(nodes[i], new ElectionEvent.Tick(), now);
                foreach (var action in actions)
                {
                    if (action is ElectionAction.OpenConnection)
                    {
                        pushes += nodes[1 - i].Role >= ElectionRole.Connecting ? 1 : 0;
                        (nodes[1 - i], _) = ElectionMachine.Step(nodes[1 - i], new ElectionEvent.ConnectionLost(), now);
                        (nodes[i], _) = ElectionMachine.Step(nodes[i], new ElectionEvent.Opened(), now);
                    }
                    else if (action is ElectionAction.PublishClaim claim)
                    {
                        var published = new Claim(claim.Term, nodes[i].Node, nodes[i].Incarnation);
                        (nodes[i], _) = ElectionMachine.Step(nodes[i], new ElectionEvent.ClaimRead(published), now);
                        (nodes[1 - i], _) = ElectionMachine.Step(nodes[1 - i], new ElectionEvent.ClaimSeen(published), now);
                    }
                }
            }
        }
        Assert.Single(nodes, n => n.Role == ElectionRole.Acting);
        Assert.InRange(pushes, 1, 10);
    }

    [Fact]
    public void After_a_loss_it_waits_for_the_other_that_has_claimed_meanwhile()
    {
        Reach(ElectionRole.Acting);
        Step(new ElectionEvent.ConnectionLost());
        Step(new ElectionEvent.ClaimSeen(new Claim(2, "b", "i9")));
        Assert.Empty(Wait(5 * timing.Retry));
    }

    [Fact]
    public void An_incumbent_keeps_the_seat_as_long_as_it_beats()
    {
        Step(new ElectionEvent.ClaimSeen(new Claim(3, "b", "i9")));
        Step(new ElectionEvent.Wanted(true));
        for (var i = 0; i < 20; i++)
        {
            Assert.Empty(Wait(timing.Beat));
            Step(new ElectionEvent.BeatSeen(new Claim(3, "b", "i9")));
        }
        Assert.IsType<ElectionAction.OpenConnection>(Assert.Single(Wait(timing.Beat * timing.MissedBeats)));
    }

    [Fact]
    public void A_loss_counts_only_when_it_names_the_claim_that_stands_and_is_waited_out()
    {
        Step(new ElectionEvent.ClaimSeen(new Claim(3, "b", "i9")));
        Step(new ElectionEvent.Wanted(true));
        Step(new ElectionEvent.LostSeen("b", "i8", Graceful: false));
        Assert.Empty(Wait(timing.Lost));
        Step(new ElectionEvent.BeatSeen(new Claim(3, "b", "i9")));
        Step(new ElectionEvent.LostSeen("b", "i9", Graceful: false));
        Assert.Empty(Wait(timing.Lost - TimeSpan.FromSeconds(1)));
        Assert.IsType<ElectionAction.OpenConnection>(Assert.Single(Wait(TimeSpan.FromSeconds(1))));
    }

    [Fact]
    public void A_beat_after_a_loss_that_the_broker_told_too_early_takes_it_back()
    {
        Step(new ElectionEvent.ClaimSeen(new Claim(3, "b", "i9")));
        Step(new ElectionEvent.Wanted(true));
        Step(new ElectionEvent.LostSeen("b", "i9", Graceful: false));
        Step(new ElectionEvent.BeatSeen(new Claim(3, "b", "i9")));
        Assert.Empty(Wait(timing.Lost));
    }

    [Fact]
    public void A_released_claim_is_followed_without_waiting_for_silence()
    {
        Step(new ElectionEvent.ClaimSeen(new Claim(3, "b", "i9"), Released: true));
        Step(new ElectionEvent.Wanted(true));
        Assert.IsType<ElectionAction.OpenConnection>(Assert.Single(Wait(timing.First)));
    }

    [Fact]
    public void Ranks_are_distinct_and_each_waits_longer_than_the_one_before()
    {
        ImmutableSortedSet<string> nodes = ["a", "b", "c", "d"];
        var delays = nodes.Select(node => (state with { Node = node, Candidates = nodes }).RankDelay).Order().ToArray();
        Assert.Equal([TimeSpan.Zero, timing.Rank, 2 * timing.Rank, 3 * timing.Rank], delays);
    }

    [Fact]
    public void Nobody_without_a_live_connection_of_its_own_takes_over()
    {
        Step(new ElectionEvent.ClaimSeen(new Claim(3, "b", "i9")));
        Step(new ElectionEvent.Wanted(true));
        Step(new ElectionEvent.NodeConnection(false));
        Assert.Empty(Wait(TimeSpan.FromMinutes(5)));
        Step(new ElectionEvent.NodeConnection(true));
        Assert.Empty(Wait(timing.Beat));
    }

    [Fact]
    public void When_nothing_is_left_to_coordinate_it_leaves_with_a_goodbye()
    {
        Reach(ElectionRole.Acting);
        Assert.Equal(new ElectionAction.CloseConnection(Graceful: true, 1), Assert.Single(Step(new ElectionEvent.Wanted(false))));
        Assert.Equal(ElectionRole.Idle, state.Role);
    }

    private void Reach(ElectionRole role)
    {
        Step(new ElectionEvent.Wanted(true));
        Wait(timing.First);
        Step(new ElectionEvent.Opened());
        if (role == ElectionRole.Reading)
            return;
        Wait(timing.ReadBack);
        if (role == ElectionRole.Claiming)
            return;
        Step(new ElectionEvent.ClaimRead(new Claim(1, "a", "i1")));
        Wait(timing.Grace);
        Assert.Equal(role, state.Role);
    }

    private ImmutableArray<ElectionAction> Wait(TimeSpan time)
    {
        now += time;
        // Silence is noticed in one tick and acted on in the same or the next.
        return [.. Step(new ElectionEvent.Tick())];
    }

    private ImmutableArray<ElectionAction> Step(ElectionEvent happening)
    {
        (state, var actions) = ElectionMachine.Step(state, happening, now);
        return actions;
    }
}
