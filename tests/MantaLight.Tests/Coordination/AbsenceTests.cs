using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>Nodes that keep failing are left out for some rounds and taken back.</summary>
public sealed class AbsenceTests : CoordinatorDriver
{
    private static SwarmDefinition Lenient(string members = "") => Rounds($"\"quorum\": 0.5, \"retries\": 0, \"maximum\": 100{(members.Length > 0 ? ", " : "")}{members}");

    [Fact]
    public void A_fixed_task_stays_where_it_could_be_done()
    {
        Begin(SwarmJson.Parse("""
            { "name": "s", "module": "m", "tasks": [
                { "alias": "worker", "type": "W", "method": "all" },
                { "alias": "aggregator", "type": "A", "fixed": true, "after": ["worker"] },
                { "alias": "scheduler", "type": "S", "after": ["aggregator"] } ] }
            """u8.ToArray()), "a", "b");
        Complete("worker", "a", "b");
        var first = Host("aggregator");
        for (var tries = 0; Host("aggregator") == first; tries++)
        {
            Assert.True(tries < 10);
            Fail("aggregator", first);
        }
        var second = Host("aggregator");
        FinishRound();
        Assert.Equal(2, state.Round);
        Complete("worker", "a", "b");
        Assert.Equal((second, AttemptPhase.Scheduled), (Host("aggregator"), state.Tasks["aggregator"].Placed[second].Phase));
    }

    [Fact]
    public void A_node_that_fails_in_two_rounds_in_a_row_is_left_out_for_1_2_4_8_and_at_most_16_rounds()
    {
        Begin(Lenient(), "a", "b");
        Assert.Equal("++-+--+----+--------+----------------+----------------+", string.Concat(Enumerable.Range(0, 55).Select(_ => Play("b") ? '+' : '-')));
    }

    [Fact]
    public void Deadlines_count_like_errors()
    {
        Begin(Lenient(), "a", "b");
        for (var i = 0; i < 2; i++)
        {
            Complete("worker", "a");
            Wait(TimeSpan.FromMinutes(5));
            Finish();
        }
        Assert.DoesNotContain("b", state.Tasks["worker"].Placed.Keys);
    }

    [Fact]
    public void Who_is_left_out_is_named_in_the_summary()
    {
        Begin(Lenient(), "a", "b");
        Play("b");
        Play("b");
        Play("b");
        Assert.Equal(new NodeTrouble { Node = "b", Reason = "left out until round 3, after failing in 2 rounds in a row" }, Assert.Single(state.History[^1].LeftOut));
    }

    [Fact]
    public void A_round_that_succeeds_forgives()
    {
        Begin(Lenient(), "a", "b");
        Play("b");
        Play("");
        Play("b");
        Assert.Contains("b", state.Tasks["worker"].Placed.Keys);
        Play("b");
        Assert.DoesNotContain("b", state.Tasks["worker"].Placed.Keys);
        Play("b");
        // Back, and well: what was is forgotten.
        Assert.True(Play(""));
        Assert.Empty(state.Absences);
    }

    [Fact]
    public void Another_number_of_rounds_can_be_asked_for_or_none()
    {
        Begin(Lenient("\"leave_out_after\": 1"), "a", "b");
        Play("b");
        Assert.DoesNotContain("b", state.Tasks["worker"].Placed.Keys);

        Begin(Lenient("\"leave_out_after\": 0"), "a", "b");
        for (var i = 0; i < 10; i++)
            Assert.True(Play("b"));
    }

    [Fact]
    public void Never_are_so_many_left_out_that_nobody_remains()
    {
        Begin(Rounds("\"quorum\": 0.5, \"retries\": 0, \"on_shortfall\": \"skip\", \"leave_out_after\": 1, \"maximum\": 100"), "a", "b", "c");
        for (var i = 0; i < 20; i++)
        {
            Assert.NotEmpty(state.Tasks["worker"].Placed);
            foreach (var node in state.Tasks["worker"].Placed.Keys)
                Fail("worker", node);
        }
    }

    [Fact]
    public void Never_are_so_many_left_out_that_a_quorum_that_is_a_number_cannot_be_reached()
    {
        Begin(Rounds("\"quorum\": 2, \"retries\": 0, \"leave_out_after\": 1, \"maximum\": 100"), "a", "b", "c", "d");
        Complete("worker", "a", "b");
        Fail("worker", "c");
        Fail("worker", "d");
        Member("a", NodeStatus.Offline);
        Finish();
        Assert.Equal((2, 2), (state.Round, state.Tasks["worker"].Placed.Count));
        Assert.Contains("b", state.Tasks["worker"].Placed.Keys);
    }

    [Fact]
    public void A_successor_knows_who_is_left_out_for_how_long()
    {
        Begin(Lenient(), "a", "b");
        foreach (var _ in Enumerable.Range(0, 4))
            Play("b");
        Assert.Equal(new NodeAbsence { Node = "b", Failures = 3, Rounds = 2, UntilRound = 6 }, Assert.Single(StateView.Of(state).LeftOut));
        TakeOver(StateView.Of(state));
        Wait(timing.RollCall);
        Assert.Equal(["a"], state.Tasks["worker"].Placed.Keys);
        Assert.Equal("--+----+", string.Concat(Enumerable.Range(0, 8).Select(_ => Play("b") ? '+' : '-')));
    }

    [Fact]
    public void What_a_state_from_the_wire_says_of_absences_is_bounded()
    {
        Begin("a", "b");
        TakeOver(StateView.Of(state) with
        {
            LeftOut = [new NodeAbsence { Node = "a/#" }, new NodeAbsence { Node = "b", Failures = -1, Rounds = int.MaxValue, UntilRound = int.MaxValue }, .. Enumerable.Range(0, 100).Select(i => new NodeAbsence { Node = $"n{i}" })],
        });
        Assert.Equal(new Absence(0, 16, 17), state.Absences["b"]);
        Assert.Equal(63, state.Absences.Count);
    }

    /// <summary>Plays a round in which one node fails; true where that node took part.</summary>
    private bool Play(string failing)
    {
        var placed = state.Tasks["worker"].Placed.Keys.ToArray();
        foreach (var node in placed)
        {
            if (node == failing)
                Fail("worker", node);
            else
                Complete("worker", node);
        }
        Finish();
        return placed.Contains("b");
    }

    private void Finish()
    {
        Complete("aggregator", state.Tasks["aggregator"].Placed.Keys.Single());
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", state.Tasks["scheduler"].Placed.Keys.Single(), 1) with { Next = new NextRequest() }));
    }
}
