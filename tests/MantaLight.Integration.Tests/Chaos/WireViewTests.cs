using MantaLight.Cli.Chaos.Watch;
using MantaLight.Protocol;

namespace MantaLight.Integration.Tests.Chaos;

public sealed class WireViewTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_is_open_is_placed_and_has_no_record()
    {
        var view = View(State(2, "worker", TaskPhase.Running), new TaskAccepted { Round = 2, Alias = "worker", From = "node_0" }, Done("worker", "node_1", "x"));
        Assert.Equal(["node_0"], view.Open(2, "worker"));
        Assert.Empty(view.Open(1, "worker"));
        Assert.False(view.IsPast(2, "worker"));
        Assert.True(view.IsPast(1, "worker"));
        Assert.True(view.With(State(2, "worker", TaskPhase.Committed)).IsPast(2, "worker"));
    }

    [Fact]
    public void Attempts_that_were_executed_again_are_counted_and_progress_of_one_is_not()
    {
        var view = View(
            Running("worker", "node_0", "a", "1"), Running("worker", "node_0", "a", "1"), Running("worker", "node_1", "b", "2"),
            Running("worker", "node_0", "a2", "3"), // started again after its process was killed
            Running("aggregator", "node_0", "c", "3"), Running("aggregator", "node_1", "d", "2")); // moved
        Assert.Equal(2, view.Reexecuted(alias => alias == "aggregator"));
    }

    [Fact]
    public void Progress_that_comes_late_does_not_undo_a_record()
    {
        var view = View(State(2, "worker", TaskPhase.Running), Done("worker", "node_0", "a"), Running("worker", "node_0", "a", "1"));
        Assert.Equal(["node_1"], view.Open(2, "worker"));
        Assert.Equal(["node_0", "node_1"], view.With(Running("worker", "node_0", "a2", "1")).Open(2, "worker"));
    }

    [Fact]
    public void A_succession_needs_a_higher_claim_and_an_act_under_it()
    {
        var view = View(new CoordinatorClaim { From = "node_0", Term = 3 }, new CoordinatorBeat { From = "node_0", Term = 3 });
        Assert.False(Recovery.IsSucceeded(view, 3));
        Assert.True(Recovery.IsSucceeded(view, 2));
        view = view.With(new CoordinatorClaim { From = "node_1", Term = 4 });
        Assert.False(Recovery.IsSucceeded(view, 3));
        Assert.True(Recovery.IsSucceeded(view.With(new SwarmState { From = "node_1", Term = 4 }), 3));
    }

    [Fact]
    public void A_task_is_taken_up_by_another_incarnation_after_the_fault_or_not_at_all()
    {
        var view = View(State(2, "aggregator", TaskPhase.Running), Running("aggregator", "node_0", "a", "1") with { Sent = Noon });
        Assert.False(Recovery.IsTakenUp(view, 2, "aggregator", "1", Noon));
        Assert.False(Recovery.IsTakenUp(view.With(Running("aggregator", "node_1", "b", "2") with { Sent = Noon.AddSeconds(-1) }), 2, "aggregator", "1", Noon));
        Assert.True(Recovery.IsTakenUp(view.With(Running("aggregator", "node_1", "b", "2") with { Sent = Noon.AddSeconds(1) }), 2, "aggregator", "1", Noon));
    }

    [Fact]
    public void What_was_lost_is_restored_with_the_definition_and_a_state_of_the_same_run_that_is_no_older()
    {
        var before = View(State(4, "worker", TaskPhase.Running));
        var after = before with { Defined = Noon.AddSeconds(1) };
        Assert.False(Recovery.IsRestored(after, before, Noon));
        Assert.False(Recovery.IsRestored(after.With(State(3, "worker", TaskPhase.Running) with { Sent = Noon.AddSeconds(2) }), before, Noon));
        Assert.False(Recovery.IsRestored(after.With(State(5, "worker", TaskPhase.Running) with { Sent = Noon.AddSeconds(2), Run = "other-1" }), before, Noon));
        Assert.True(Recovery.IsRestored(after.With(State(4, "worker", TaskPhase.Running) with { Sent = Noon.AddSeconds(2) }), before, Noon));
        Assert.False(Recovery.IsRestored(before.With(State(4, "worker", TaskPhase.Running) with { Sent = Noon.AddSeconds(2) }), before, Noon));
    }

    private static WireView View(params ControlMessage[] messages) => messages.Aggregate(new WireView(), (view, message) => view.With(message));

    private static SwarmState State(int round, string alias, TaskPhase phase) => new()
    {
        From = "node_0", Run = "run-1", Round = round, Status = RunStatus.Running,
        Tasks = [new TaskState { Alias = alias, Phase = phase, Placed = 2, Nodes = ["node_0", "node_1"] }],
    };

    private static TaskRunning Running(string alias, string node, string attempt, string incarnation) =>
        new() { Round = 2, Alias = alias, From = node, Attempt = attempt, Incarnation = incarnation };

    private static TaskCompleted Done(string alias, string node, string attempt) => new() { Round = 2, Alias = alias, From = node, Attempt = attempt };
}
