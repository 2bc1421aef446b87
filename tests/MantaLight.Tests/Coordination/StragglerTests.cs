using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>Rounds in which some nodes are late, fail or are away.</summary>
public sealed class StragglerTests : CoordinatorDriver
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    [Fact]
    public void A_quorum_that_is_a_number_is_met_by_that_many_nodes()
    {
        Begin(Rounds("\"quorum\": 2"), "a", "b", "c");
        Complete("worker", "a", "b");
        Assert.Equal(TaskPhase.Running, state.Tasks["worker"].Phase);
        Wait(Deadline);
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
        // A task for one node needs that one.
        Complete("aggregator", Host("aggregator"));
        Assert.Equal(TaskPhase.Committed, state.Tasks["aggregator"].Phase);
    }

    [Fact]
    public void A_task_waits_to_be_placed_until_as_many_nodes_are_there_as_its_quorum_asks_for()
    {
        Begin(Rounds("\"quorum\": 3"), "a", "b");
        Assert.Empty(Schedules("worker"));
        Assert.Equal("task 'worker' has 2 of 3 nodes: a, b", state.Waiting);
        Member("c");
        Assert.Equal(["a", "b", "c"], Schedules("worker").Select(s => s.Node));
        Assert.Null(state.Waiting);
    }

    [Fact]
    public void In_a_later_round_too_it_waits_for_the_nodes_that_the_quorum_asks_for()
    {
        Begin(Rounds("\"quorum\": 2"), "a", "b");
        FinishRound("a", "b");
        Member("b", NodeStatus.Offline);
        FinishRound("a", "b");
        Assert.Equal((3, TaskPhase.Pending), (state.Round, state.Tasks["worker"].Phase));
        Assert.Equal("task 'worker' has 1 of 2 nodes: a", state.Waiting);
        Member("b");
        Assert.Equal(TaskPhase.Running, state.Tasks["worker"].Phase);
    }

    [Theory]
    [InlineData("stop", RunStatus.Failed, 2)]
    [InlineData("skip", RunStatus.Running, 3)]
    [InlineData("wait", RunStatus.Running, 2)]
    public void Who_is_missing_when_a_task_is_to_begin_is_waited_for_as_long_as_within_it_and_then_the_definition_decides(string policy, RunStatus status, int round)
    {
        Begin(Rounds($"\"quorum\": 2, \"on_shortfall\": \"{policy}\""), "a", "b");
        Complete("worker", "a", "b");
        Complete("aggregator", Host("aggregator"));
        var host = Host("scheduler");
        Member(host == "a" ? "b" : "a", NodeStatus.Offline);
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", host, 1) with { Next = new NextRequest() }));
        Wait(Deadline - TimeSpan.FromSeconds(1));
        Assert.Equal((RunStatus.Running, 2), (state.Status, state.Round));
        Wait(TimeSpan.FromSeconds(1));
        Assert.Equal((status, round), (state.Status, state.Round));
        var reason = $"task 'worker' has 1 of 2 nodes: {host}; nobody else came in 00:05:00";
        if (policy == "stop")
            Assert.Equal($"round 2, {reason}", state.Reason);
        if (policy == "skip")
            Assert.Equal(reason, state.History[^1].Skipped);
    }

    [Fact]
    public void While_a_run_is_paused_nobody_is_waited_for()
    {
        Begin(Rounds("\"quorum\": 2"), "a", "b");
        FinishRound("a", "b");
        Member("b", NodeStatus.Offline);
        FinishRound("a", "b");
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Pause));
        Wait(2 * Deadline);
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Resume));
        Assert.Equal(RunStatus.Running, state.Status);
        Wait(Deadline);
        Assert.Equal(RunStatus.Failed, state.Status);
    }

    [Fact]
    public void By_default_a_shortfall_ends_the_run_with_who_and_why()
    {
        Begin("a", "b");
        Complete("worker", "a");
        for (var i = 0; i <= state.Definition.Rounds.Retries; i++)
            Wait(Deadline);
        Assert.Equal(RunStatus.Failed, state.Status);
        Assert.Equal("round 1, task 'worker': 1 of 2 nodes completed where 2 are needed (b: the deadline of 00:05:00 passed)", state.Reason);
    }

    [Fact]
    public void Who_runs_past_the_deadline_and_is_needed_is_tried_again_as_often_as_a_failure_would_be_with_the_whole_deadline()
    {
        Begin(Rounds("\"retries\": 1"), "a", "b");
        var first = Schedules("worker").Single(s => s.Node == "b").Message;
        Complete("worker", "a");
        done.Clear();
        Wait(Deadline);
        Assert.Equal("b", Assert.Single(done.OfType<CoordinatorAction.Cancel>()).Node);
        var second = Assert.Single(Schedules("worker"));
        Assert.Equal(("b", 2, first.Seed, 300.0), (second.Node, second.Message.Number, second.Message.Seed, second.Message.TimeoutSeconds));
        Complete("worker", "b");
        Assert.Equal(["a", "b"], Assert.Single(Schedules("aggregator")).Message.Inputs.Select(i => i.Node));
    }

    [Fact]
    public void Who_is_away_at_the_deadline_has_missed_it()
    {
        Begin("a", "b");
        Complete("worker", "a");
        Member("b", NodeStatus.Offline);
        Wait(Deadline);
        Assert.Equal(RunStatus.Failed, state.Status);
        Assert.Single(Schedules("worker"), s => s.Node == "b");
    }

    [Fact]
    public void The_late_are_not_waited_for_where_the_quorum_is_out_of_reach()
    {
        Begin(Rounds("\"retries\": 2"), "a", "b");
        Member("a", NodeStatus.Offline);
        Wait(Deadline);
        Assert.Equal(RunStatus.Failed, state.Status);
    }

    [Fact]
    public void The_late_are_given_up_when_another_fails_for_good_and_the_quorum_is_out_of_reach()
    {
        Begin(Rounds("\"retries\": 1"), "a", "b");
        Wait(Deadline);
        Assert.All(state.Tasks["worker"].Placed.Values, a => Assert.True(a.IsLate));
        Fail("worker", "a");
        Assert.Equal(RunStatus.Failed, state.Status);
    }

    [Fact]
    public void Whoever_is_given_up_within_a_step_is_not_sent_its_attempt_again_in_the_same_step()
    {
        Begin(Rounds("\"retries\": 1"), "a", "b");
        // One second before the other: so is its last deadline.
        now += Deadline - TimeSpan.FromSeconds(1);
        Step(new CoordinatorEvent.UpdateSeen(new TaskFailed
        {
            From = "a", Incarnation = "first", Run = state.Run.ToString(), Round = 1, Alias = "worker", Attempt = state.Tasks["worker"].Placed["a"].Id,
            Error = TaskFailed.DeadlinePassed, Message = "the deadline passed", Retryable = false,
        }));
        Wait(TimeSpan.FromSeconds(1));
        done.Clear();
        // The other's schedule message, which nobody has answered, is due to be sent again in the step that gives both up.
        Wait(Deadline - TimeSpan.FromSeconds(0.5));
        Assert.Empty(Schedules("worker"));
        Assert.Equal(RunStatus.Failed, state.Status);
    }

    [Fact]
    public void The_late_are_waited_for_only_until_enough_have_completed()
    {
        Begin(Rounds("\"quorum\": 2"), "a", "b", "c");
        Complete("worker", "a");
        Wait(Deadline);
        Assert.Equal(TaskPhase.Running, state.Tasks["worker"].Phase);
        done.Clear();
        Complete("worker", "b");
        Assert.Equal("c", Assert.Single(done.OfType<CoordinatorAction.Cancel>()).Node);
        Assert.Equal(["a", "b"], Assert.Single(Schedules("aggregator")).Message.Inputs.Select(i => i.Node));
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
    }

    [Fact]
    public void A_record_after_the_commit_is_refused_counted_and_named_with_how_late_it_was()
    {
        Begin(Rounds("\"quorum\": 0.5"), "a", "b");
        var late = Completed("worker", "b", 1);
        Complete("worker", "a");
        Wait(Deadline);
        now += TimeSpan.FromSeconds(4.2);
        Step(new CoordinatorEvent.UpdateSeen(late));
        now += TimeSpan.FromSeconds(3);
        Step(new CoordinatorEvent.UpdateSeen(late));
        Assert.Null(state.Tasks["worker"].Placed["b"].Record);
        Assert.Equal(4.2, Assert.Single(StateView.Of(state).Tasks[0].Troubles).LateSeconds);
        Complete("aggregator", Host("aggregator"));
        Complete("scheduler", Host("scheduler"));
        var summary = state.History[^1];
        Assert.Equal((1, 1), (summary.Participants, summary.Late));
        Assert.Equal(new NodeTrouble { Node = "b", Reason = "worker: the deadline of 00:05:00 passed", LateSeconds = 4.2 }, Assert.Single(summary.LeftOut));
    }

    [Fact]
    public void A_record_that_comes_in_the_next_round_is_named_in_the_summary_of_its_own()
    {
        Begin(Rounds("\"quorum\": 0.5"), "a", "b");
        var late = Completed("worker", "b", 1);
        Complete("worker", "a");
        Wait(Deadline);
        Complete("aggregator", Host("aggregator"));
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", Host("scheduler"), 1) with { Next = new NextRequest() }));
        now += TimeSpan.FromSeconds(2);
        Step(new CoordinatorEvent.UpdateSeen(late));
        Step(new CoordinatorEvent.UpdateSeen(late));
        Assert.Equal((2, 1, 2.0), (state.Round, state.History[^1].Late, state.History[^1].LeftOut[0].LateSeconds));
        Assert.Equal(1, done.OfType<CoordinatorAction.PublishState>().Last().State.History[^1].Late);
        // A contribution that was committed comes again: not late at all.
        Step(new CoordinatorEvent.UpdateSeen(late with { From = "a" }));
        Assert.Equal(1, state.History[^1].Late);
    }

    [Fact]
    public void A_record_after_its_deadline_and_before_the_commit_counts()
    {
        Begin(Rounds("\"quorum\": 0.5, \"on_shortfall\": \"wait\", \"retries\": 0"), "a", "b");
        Fail("worker", "b");
        Wait(TimeSpan.FromMinutes(1));
        Member("a", NodeStatus.Offline);
        Member("a", incarnation: "second");
        var late = Completed("worker", "b", 1);
        Step(new CoordinatorEvent.UpdateSeen(late));
        Assert.Equal(AttemptPhase.Completed, state.Tasks["worker"].Placed["b"].Phase);
    }

    [Fact]
    public void Nodes_that_join_take_part_from_the_next_round_on()
    {
        Begin("a");
        Member("b");
        Wait(TimeSpan.FromSeconds(10));
        FinishRound("a");
        Assert.Equal(["a", "b"], state.Tasks["worker"].Placed.Keys);
        Assert.Equal(2, Schedules("worker")[^1].Message.Round);
    }

    [Fact]
    public void A_node_that_an_earlier_task_was_committed_without_is_not_waited_for_again_in_the_round()
    {
        Begin(Rounds("\"quorum\": 0.5", """, { "alias": "test", "type": "T", "method": "all", "after": ["aggregator"] }"""), "a", "b");
        Member("b", NodeStatus.Offline);
        Complete("worker", "a");
        Wait(Deadline);
        Complete("aggregator", "a");
        Assert.Equal(["a"], Schedules("test").Select(s => s.Node));
        Complete("test", "a");
        Assert.Equal(TaskPhase.Committed, state.Tasks["test"].Phase);
        Assert.Equal("away since task 'worker'", state.Tasks["test"].LeftOut["b"].Reason);
    }
}
