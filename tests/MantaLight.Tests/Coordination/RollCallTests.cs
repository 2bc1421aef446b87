using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>What members report when a successor calls the roll.</summary>
public sealed class RollCallTests : CoordinatorDriver
{
    [Fact]
    public void A_failure_that_is_told_again_in_a_roll_call_counts_once()
    {
        Begin(Rounds("\"retries\": 1, \"maximum\": 3"), "a", "b");
        var failed = new TaskFailed
        {
            From = "a", Incarnation = "first", Run = state.Run.ToString(), Round = 1, Alias = "worker", Attempt = state.Tasks["worker"].Placed["a"].Id, Error = "E", Message = "no",
        };
        TakeOver(StateView.Of(state));
        for (var copy = 0; copy < 5; copy++)
            Step(new CoordinatorEvent.UpdateSeen(failed));
        Assert.Equal(1, state.Tasks["worker"].Placed["a"].Failures);
        Wait(timing.RollCall);
        Wait(TimeSpan.FromSeconds(30));
        Assert.Contains(Schedules("worker"), s => s.Node == "a");
    }

    [Fact]
    public void An_attempt_of_a_predecessor_that_is_heard_of_after_the_roll_call_has_a_deadline()
    {
        Begin(Rounds("\"quorum\": 0.5, \"maximum\": 3"), "a", "b");
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Pause));
        var running = new TaskRunning
        {
            From = "b", Incarnation = "first", Run = state.Run.ToString(), Round = 1, Alias = "worker", Attempt = state.Tasks["worker"].Placed["b"].Id, Progress = 0.5,
        };
        TakeOver(StateView.Of(state));
        Wait(timing.Patience);
        Step(new CoordinatorEvent.UpdateSeen(running));
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Resume));
        Complete("worker", "a");
        Wait(TimeSpan.FromMinutes(6));
        Assert.Equal(AttemptPhase.Failed, state.Tasks["worker"].Placed["b"].Phase);
    }

    [Fact]
    public void A_successor_goes_on_in_the_same_round_with_the_reports_of_the_roll_call()
    {
        Begin("a", "b");
        Complete("worker", "a", "b");
        var retained = done.OfType<CoordinatorAction.PublishState>().Last().State;
        var records = state.Tasks["worker"].Placed.Values.Select(a => a.Record!).ToArray();
        Assert.Equal(TaskPhase.Committed, retained.Tasks[0].Phase);

        TakeOver(retained);
        Assert.Equal(["a", "b"], done.OfType<CoordinatorAction.CallRoll>().Select(c => c.Node));
        Assert.Empty(Schedules("aggregator"));
        foreach (var record in records)
            Step(new CoordinatorEvent.UpdateSeen(record));
        Wait(timing.RollCall);
        var schedule = Assert.Single(Schedules("aggregator")).Message;
        Assert.Equal((1, 2L), (schedule.Round, schedule.Term));
        Assert.Equal(["a", "b"], schedule.Inputs.Select(i => i.Node));
    }

    [Fact]
    public void A_successor_waits_for_committed_results_that_nobody_has_reported_and_then_has_them_made_again()
    {
        Begin("a", "b");
        var first = Schedules("worker").Single(s => s.Node == "b").Message;
        Complete("worker", "a", "b");
        var retained = done.OfType<CoordinatorAction.PublishState>().Last().State;
        var reported = state.Tasks["worker"].Placed["a"].Record!;
        TakeOver(retained);
        Step(new CoordinatorEvent.UpdateSeen(reported));
        Wait(timing.RollCall);
        Assert.Empty(Schedules("aggregator"));
        Assert.Contains("b", state.Waiting, StringComparison.Ordinal);
        // Back with another incarnation: it is asked, and knows nothing.
        Member("b", incarnation: "second");
        Assert.Contains(done, a => a is CoordinatorAction.CallRoll { Node: "b" });
        Wait(timing.Patience);
        var again = Assert.Single(Schedules("worker"));
        Assert.Equal(("b", first.Seed), (again.Node, again.Message.Seed));
        Assert.Empty(Schedules("aggregator"));
        Complete("worker", "b");
        Assert.Equal(["a", "b"], Assert.Single(Schedules("aggregator")).Message.Inputs.Select(i => i.Node));
    }
}
