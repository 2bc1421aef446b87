using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>Rounds that are given up because too few nodes completed a task: <c>on_shortfall: skip</c>.</summary>
public sealed class SkippedRoundTests : CoordinatorDriver
{
    [Fact]
    public void With_skip_the_round_is_given_up_and_the_next_one_begins_as_it_did()
    {
        Begin(Rounds("\"on_shortfall\": \"skip\", \"retries\": 0"), "a", "b", "c");
        FinishRound(new NextRequest { Nodes = ["a", "b"] }, "a", "b", "c");
        Complete("worker", "a");
        Wait(TimeSpan.FromMinutes(5));
        Assert.Equal((3, RunStatus.Running), (state.Round, state.Status));
        Assert.Equal(["a", "b"], state.Tasks["worker"].Placed.Keys);
        var skipped = state.History[^1];
        Assert.Equal("task 'worker': 1 of 2 nodes completed where 2 are needed (b: the deadline of 00:05:00 passed)", skipped.Skipped);
        Assert.Equal((2, 0, 0L), (skipped.Round, skipped.Participants, skipped.Samples));
        Assert.Empty(skipped.Metrics);
        Assert.Equal("b", Assert.Single(skipped.LeftOut).Node);
        // What comes of it now counts for nothing.
        Step(new CoordinatorEvent.UpdateSeen(Completed("worker", "b", 1) with { Round = 2 }));
        Assert.Equal(0, state.Tasks["worker"].Counts.Completed);
    }

    [Fact]
    public void With_skip_globals_that_the_round_has_committed_stay_and_attempts_under_way_are_cancelled()
    {
        Begin(Rounds("\"on_shortfall\": \"skip\", \"retries\": 0", """, { "alias": "other", "type": "O", "method": "all" }"""), "a");
        Complete("worker", "a");
        Step(new CoordinatorEvent.UpdateSeen(Completed("aggregator", "a", 1) with { Globals = [new StagedGlobal { Tag = "g", Content = One }] }));
        Fail("scheduler", "a");
        Assert.Contains(done, a => a is CoordinatorAction.Cancel { Node: "a" } cancel && cancel.Message.Attempt.Contains(".other.", StringComparison.Ordinal));
        Assert.Equal((2, 1), (state.Round, state.Globals["g"].Version));
    }

    [Fact]
    public void Skipped_rounds_count_for_the_maximum()
    {
        Begin(Rounds("\"on_shortfall\": \"skip\", \"retries\": 0, \"maximum\": 2"), "a");
        FinishRound("a");
        Fail("worker", "a");
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Contains("the last one was given up", state.Reason, StringComparison.Ordinal);
        Assert.Equal(2, state.History.Length);
    }

    [Fact]
    public void A_run_of_nothing_but_skipped_rounds_has_failed()
    {
        Begin(Rounds("\"on_shortfall\": \"skip\", \"retries\": 0, \"leave_out_after\": 0, \"maximum\": 3"), "a");
        for (var i = 0; i < 3; i++)
            Fail("worker", "a");
        Assert.Equal(RunStatus.Failed, state.Status);
        Assert.StartsWith("every round was given up", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_setup_task_cannot_be_skipped()
    {
        Begin(Rounds("\"on_shortfall\": \"skip\", \"retries\": 0", setup: true), "a");
        Fail("setup", "a");
        Assert.Equal(RunStatus.Failed, state.Status);
    }
}
