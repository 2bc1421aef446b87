using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>Rounds that wait for whom their quorum lacks (<c>"on_shortfall": "wait"</c>).</summary>
public sealed class ShortfallWaitTests : CoordinatorDriver
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    [Fact]
    public void With_wait_the_round_stays_open_and_the_late_node_gets_a_new_deadline_and_attempt_with_the_same_seed()
    {
        Begin(Rounds("\"on_shortfall\": \"wait\""), "a", "b");
        var first = Schedules("worker").Single(s => s.Node == "b").Message;
        Complete("worker", "a");
        done.Clear();
        Wait(Deadline);
        var second = Assert.Single(Schedules("worker"));
        Assert.Equal(("b", 2, first.Seed, 300.0), (second.Node, second.Message.Number, second.Message.Seed, second.Message.TimeoutSeconds));
        Assert.Equal(RunStatus.Running, state.Status);
        // And again, and again.
        Wait(Deadline);
        Wait(Deadline);
        Assert.Equal(4, Schedules("worker")[^1].Message.Number);
        Complete("worker", "b");
        Assert.Equal(["a", "b"], Assert.Single(Schedules("aggregator")).Message.Inputs.Select(i => i.Node));
    }

    [Fact]
    public void With_wait_what_has_failed_for_good_is_retried_with_the_new_deadline_and_not_at_once()
    {
        Begin(Rounds("\"on_shortfall\": \"wait\", \"retries\": 1"), "a", "b");
        Complete("worker", "a");
        Fail("worker", "b");
        Fail("worker", "b");
        done.Clear();
        for (var i = 0; i < 59; i++)
            Wait(TimeSpan.FromSeconds(5));
        Assert.Empty(Schedules("worker"));
        Assert.InRange(done.Count, 1, 62);
        Assert.Equal("task 'worker' has 1 of the 2 nodes that its quorum needs, and tries again in 5 s: b (E: no)", state.Waiting);
        Wait(TimeSpan.FromSeconds(5));
        Assert.Equal(3, Assert.Single(Schedules("worker")).Message.Number);
        // It has its retries anew.
        Fail("worker", "b");
        Assert.Equal(AttemptPhase.Scheduled, state.Tasks["worker"].Placed["b"].Phase);
    }

    [Fact]
    public void With_wait_a_node_that_is_away_is_waited_for_and_gets_its_attempt_when_it_is_back()
    {
        Begin(Rounds("\"on_shortfall\": \"wait\""), "a", "b");
        Complete("worker", "a");
        Member("b", NodeStatus.Offline);
        Wait(Deadline);
        Wait(Deadline);
        Assert.Equal("task 'worker' waits for 1 of 2: b (offline 10 min)", state.Waiting);
        done.Clear();
        Member("b", incarnation: "second");
        Wait(timing.RollCall);
        Complete("worker", Assert.Single(Schedules("worker")).Node);
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
    }

    [Fact]
    public void With_wait_a_task_for_one_node_goes_to_another_when_its_node_is_away()
    {
        Begin(Rounds("\"on_shortfall\": \"wait\", \"retries\": 0"), "a", "b");
        Complete("worker", "a", "b");
        var host = Host("aggregator");
        Fail("aggregator", host);
        Member(host, NodeStatus.Offline);
        done.Clear();
        Wait(Deadline);
        Wait(timing.Offline);
        Assert.NotEqual(host, Schedules("aggregator")[^1].Node);
    }

    [Fact]
    public void With_wait_a_paused_run_does_not_try_again_before_it_is_resumed()
    {
        Begin(Rounds("\"on_shortfall\": \"wait\", \"retries\": 0"), "a");
        Fail("worker", "a");
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Pause));
        done.Clear();
        Wait(2 * Deadline);
        Assert.Empty(Schedules("worker"));
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Resume));
        Assert.Single(Schedules("worker"));
    }
}
