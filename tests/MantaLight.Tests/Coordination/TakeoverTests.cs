using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>A successor goes on where its predecessor was.</summary>
public sealed class TakeoverTests : CoordinatorDriver
{
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

    [Fact]
    public void An_answer_of_a_later_attempt_than_the_successor_knows_counts()
    {
        Begin("a");
        var number = AttemptId.Of(state.Run, 1, "worker", "a", 4);
        Step(new CoordinatorEvent.UpdateSeen(Completed("worker", "a", 1) with { Attempt = number }));
        Assert.Equal((TaskPhase.Committed, 4), (state.Tasks["worker"].Phase, state.Tasks["worker"].Placed["a"].Number));
    }

    [Fact]
    public void Bytes_are_what_the_counters_have_grown_by_in_this_run_whoever_coordinates()
    {
        Begin("a");
        Accept("worker", "a", sent: 5000);
        Accept("worker", "a", sent: 5600);
        Assert.Equal(600, StateView.Of(state).BytesUp);
        TakeOver(StateView.Of(state));
        Accept("worker", "a", sent: 5600);
        Accept("worker", "a", sent: 5700);
        // A node that was started again counts from nothing.
        Accept("worker", "a", sent: 20, incarnation: "second");
        Accept("worker", "a", sent: 50, incarnation: "second");
        Assert.Equal(730, StateView.Of(state).BytesUp);
    }

    [Fact]
    public void What_another_run_has_left_on_the_broker_is_cleared()
    {
        var old = new BlobRef { Sha256 = new string('b', 64), Size = 1, ChunkSize = 1024, ChunkCount = 1, Format = "weights" };
        var retired = old with { Sha256 = new string('c', 64) };
        var retained = new SwarmState { Run = "other-1", Start = 1, Status = RunStatus.Completed, Globals = [new GlobalEntry { Tag = "g", Content = new ValueRef { Blob = old } }], Retiring = [retired] };
        Begin(Definition(), retained, "a");
        Assert.Contains(new CoordinatorAction.ClearGlobal("g"), done);
        Complete("worker", "a");
        Complete("aggregator", "a");
        Complete("scheduler", "a");
        Assert.Equal([old, retired], done.OfType<CoordinatorAction.ClearBlob>().Select(c => c.Blob).OrderBy(b => b.Sha256, StringComparer.Ordinal));
    }
}
