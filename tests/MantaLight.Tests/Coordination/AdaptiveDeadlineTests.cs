using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>Deadlines that follow how long a task has taken of late.</summary>
public sealed class AdaptiveDeadlineTests : CoordinatorDriver
{
    [Fact]
    public void A_deadline_is_a_multiple_of_the_slowest_attempt_of_the_last_three_rounds()
    {
        Begin(Rounds("\"adaptive_deadline\": { \"factor\": 4, \"floor\": \"00:00:30\" }, \"maximum\": 100"), "a", "b");
        Assert.Equal(300, Timeout("worker"));
        Play(20);
        Assert.Equal(80, Timeout("worker"));
        Play(10);
        Play(12);
        Assert.Equal(80, Timeout("worker"));
        Play(11);
        Assert.Equal(48, Timeout("worker"));
    }

    [Fact]
    public void It_is_never_below_the_floor_nor_above_the_deadline()
    {
        Begin(Rounds("\"adaptive_deadline\": {}, \"maximum\": 100"), "a", "b");
        Play(1);
        Assert.Equal(30, Timeout("worker"));
        Play(25);
        Play(99);
        Assert.Equal(300, Timeout("worker"));
    }

    [Fact]
    public void It_is_enforced_and_told()
    {
        Begin(Rounds("\"quorum\": 0.5, \"adaptive_deadline\": {}, \"maximum\": 100"), "a", "b");
        Play(20);
        Complete("worker", "a");
        Wait(TimeSpan.FromSeconds(80));
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
        Assert.Equal("the deadline of 00:01:20 passed", state.Tasks["worker"].Placed["b"].Trouble);
    }

    [Fact]
    public void Without_it_all_deadlines_are_the_definition_s()
    {
        Begin(Rounds("\"maximum\": 100"), "a", "b");
        Play(20);
        Assert.Equal(300, Timeout("worker"));
        Assert.Empty(StateView.Of(state).Tasks[0].RecentSeconds);
    }

    [Fact]
    public void A_round_that_waits_tries_again_with_the_whole_deadline()
    {
        Begin(Rounds("\"on_shortfall\": \"wait\", \"adaptive_deadline\": {}, \"maximum\": 100"), "a", "b");
        Play(10);
        Assert.Equal(40, Timeout("worker"));
        Complete("worker", "a");
        Wait(TimeSpan.FromSeconds(40));
        Assert.Equal(300, Timeout("worker"));
    }

    [Fact]
    public void A_successor_knows_how_long_tasks_have_taken()
    {
        Begin(Rounds("\"adaptive_deadline\": {}, \"maximum\": 100"), "a", "b");
        Play(20);
        Assert.Equal([20], StateView.Of(state).Tasks[0].RecentSeconds);
        TakeOver(StateView.Of(state));
        Wait(timing.RollCall);
        Assert.Equal(80, Timeout("worker"));
        Play(25);
        Play(1);
        Assert.Equal(100, Timeout("worker"));
    }

    private double Timeout(string alias) => Schedules(alias)[^1].Message.TimeoutSeconds;

    private void Play(double seconds)
    {
        Complete("worker", "a");
        now += TimeSpan.FromSeconds(seconds);
        Complete("worker", "b");
        Complete("aggregator", state.Tasks["aggregator"].Placed.Keys.Single());
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", state.Tasks["scheduler"].Placed.Keys.Single(), 1) with { Next = new NextRequest() }));
    }
}
