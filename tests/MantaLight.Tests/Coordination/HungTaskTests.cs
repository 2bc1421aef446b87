using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>A task for one node that does not come to an end there.</summary>
public sealed class HungTaskTests : CoordinatorDriver
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    [Fact]
    public void A_task_for_one_node_that_runs_past_its_deadline_is_given_to_another_as_often_as_a_failure_would_be()
    {
        Begin(Rounds("\"retries\": 1"), "a", "b", "c");
        Complete("worker", "a", "b", "c");
        var first = Host("aggregator");
        Wait(Deadline);
        var second = Host("aggregator");
        Assert.NotEqual(first, second);
        Assert.Equal((second, 300.0), (Schedules("aggregator")[^1].Node, Schedules("aggregator")[^1].Message.TimeoutSeconds));
        Assert.Contains(done.OfType<CoordinatorAction.Cancel>(), c => c.Node == first);
        Wait(Deadline);
        Assert.Equal(RunStatus.Failed, state.Status);
        Assert.Contains($"{second}: the deadline of 00:05:00 passed", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_nodes_own_word_that_the_deadline_has_passed_comes_to_the_same_and_each_node_has_its_turn()
    {
        Begin(Rounds("\"retries\": 2"), "a", "b", "c");
        Complete("worker", "a", "b", "c");
        var hosts = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            hosts.Add(Host("aggregator"));
            now += Deadline;
            Step(new CoordinatorEvent.UpdateSeen(new TaskFailed
            {
                From = hosts[^1], Incarnation = "first", Run = state.Run.ToString(), Round = 1, Alias = "aggregator", Attempt = state.Tasks["aggregator"].Placed[hosts[^1]].Id,
                Error = TaskFailed.DeadlinePassed, Message = "the deadline of 00:05:00 passed", Retryable = false,
            }));
        }
        Assert.Equal(["a", "b", "c"], hosts.Order());
        Assert.Equal(RunStatus.Failed, state.Status);
    }

    [Fact]
    public void Where_it_has_hung_a_task_is_tried_again_only_when_there_is_nobody_else()
    {
        Begin(Rounds("\"retries\": 3"), "a", "b", "c");
        Complete("worker", "a", "b", "c");
        var hung = Host("aggregator");
        Wait(Deadline);
        Fail("aggregator", Host("aggregator"));
        Assert.NotEqual(hung, Host("aggregator"));
    }

    [Fact]
    public void A_task_for_one_node_that_no_other_can_do_ends_with_its_deadline_also_where_that_node_has_gone()
    {
        Begin("a");
        Complete("worker", "a");
        Member("a", NodeStatus.Offline);
        Wait(Deadline);
        Assert.Equal(RunStatus.Failed, state.Status);
    }

    [Fact]
    public void A_task_that_any_can_do_is_given_to_nobody_else_where_enough_have_completed()
    {
        Begin(Rounds("\"quorum\": 0.5", """, { "alias": "extra", "type": "E", "method": "any", "maximum": 2 }"""), "a", "b", "c");
        var (first, second) = (state.Tasks["extra"].Placed.Keys.First(), state.Tasks["extra"].Placed.Keys.Last());
        Complete("extra", first);
        Wait(Deadline);
        Assert.Equal(TaskPhase.Committed, state.Tasks["extra"].Phase);
        Assert.Equal(AttemptPhase.Failed, state.Tasks["extra"].Placed[second].Phase);
    }

    [Fact]
    public void An_attempt_that_ends_because_its_node_stops_has_not_failed()
    {
        Begin(Rounds("\"retries\": 0"), "a", "b");
        Accept("worker", "a", sent: 0);
        Step(new CoordinatorEvent.UpdateSeen(new TaskFailed
        {
            From = "a", Incarnation = "first", Run = state.Run.ToString(), Round = 1, Alias = "worker", Attempt = state.Tasks["worker"].Placed["a"].Id,
            Error = TaskFailed.Stopping, Message = "the node is stopping",
        }));
        Member("a", NodeStatus.Offline);
        Wait(TimeSpan.FromMinutes(1));
        Member("a", incarnation: "second");
        Wait(timing.RollCall);
        Assert.Equal((2, 0), (Schedules("worker").Count(s => s.Node == "a"), state.Tasks["worker"].Placed["a"].Failures));
    }
}
