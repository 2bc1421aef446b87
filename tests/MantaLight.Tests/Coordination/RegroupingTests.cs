using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>All nodes were shut down, and come back one by one.</summary>
public sealed class RegroupingTests : CoordinatorDriver
{
    [Fact]
    public void Who_is_back_first_holds_nobody_to_a_deadline_and_says_whom_it_waits_for()
    {
        Begin("a", "b", "c");
        Complete("worker", "b");
        ComeBack("a");
        Wait(TimeSpan.FromHours(1));
        Assert.Equal("task 'worker' goes on when 3 of its 3 nodes are back: b, c are not there yet", state.Waiting);
        Assert.Empty(Schedules("worker"));
        Member("b", incarnation: "second");
        Wait(TimeSpan.FromHours(1));
        Assert.Equal("task 'worker' goes on when 3 of its 3 nodes are back: c is not there yet", state.Waiting);
        Member("c", incarnation: "second");
        Wait(timing.RollCall);
        Assert.Equal(["a", "b", "c"], Schedules("worker").Select(s => s.Node));
        Assert.All(Schedules("worker"), s => Assert.Equal(300.0, s.Message.TimeoutSeconds));
        // From now on the deadline counts.
        Wait(TimeSpan.FromMinutes(5));
        Assert.All(state.Tasks["worker"].Placed.Values, a => Assert.True(a.IsLate));
    }

    [Fact]
    public void A_task_that_too_few_were_there_for_before_waits_without_a_deadline_too()
    {
        Begin(Rounds("\"quorum\": 2"), "a", "b");
        FinishRound("a", "b");
        Member("b", NodeStatus.Offline);
        FinishRound("a", "b");
        Assert.Empty(state.Tasks["worker"].Placed);
        ComeBack("a");
        Wait(TimeSpan.FromHours(1));
        Assert.Equal((RunStatus.Running, "task 'worker' has 1 of 2 nodes: a"), (state.Status, state.Waiting));
        Member("b", incarnation: "second");
        Wait(timing.RollCall);
        Assert.Equal(["a", "b"], Schedules("worker").Select(s => s.Node));
    }

    [Fact]
    public void As_many_as_the_quorum_needs_are_enough()
    {
        Begin(Definition(quorum: 0.5), "a", "b", "c");
        ComeBack("a");
        Wait(TimeSpan.FromHours(1));
        Assert.Empty(Schedules("worker"));
        Member("b", incarnation: "second");
        Wait(timing.RollCall);
        Assert.Equal(["a", "b"], state.Tasks["worker"].Placed.Values.Where(a => a.Phase == AttemptPhase.Scheduled && a.Incarnation == "second").Select(a => a.Node));
        Assert.Equal(TaskPhase.Running, state.Tasks["worker"].Phase);
    }

    [Fact]
    public void What_a_node_had_done_counts_and_what_it_still_does_has_its_whole_deadline_when_enough_are_back()
    {
        Begin("a", "b", "c");
        var (done, running) = (Completed("worker", "a", 1), Accepted("b"));
        ComeBack("a");
        Step(new CoordinatorEvent.UpdateSeen(done with { Incarnation = "second" }));
        Member("b", incarnation: "second");
        Step(new CoordinatorEvent.UpdateSeen(running));
        Wait(TimeSpan.FromHours(1));
        Member("c", incarnation: "second");
        Wait(timing.RollCall);
        Assert.Equal("c", Assert.Single(Schedules("worker")).Node);
        Wait(TimeSpan.FromMinutes(4));
        Assert.Equal((AttemptPhase.Completed, AttemptPhase.Accepted), (state.Tasks["worker"].Placed["a"].Phase, state.Tasks["worker"].Placed["b"].Phase));
    }

    [Fact]
    public void A_successor_that_has_seen_another_coordinate_lets_deadlines_count()
    {
        Begin("a", "b");
        ComeBack("a", isCold: false);
        Wait(timing.RollCall);
        Wait(TimeSpan.FromMinutes(5));
        // Who is away has missed it; who is there is given another.
        Assert.Equal(AttemptPhase.Failed, state.Tasks["worker"].Placed["b"].Phase);
        for (var i = 0; i < state.Definition.Rounds.Retries; i++)
            Wait(TimeSpan.FromMinutes(5));
        Assert.Equal(RunStatus.Failed, state.Status);
    }

    [Fact]
    public void Its_owner_can_stop_it_meanwhile()
    {
        Begin("a", "b");
        ComeBack("a");
        Wait(TimeSpan.FromHours(1));
        Assert.NotNull(state.RollCallUntil);
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Stop));
        Assert.Equal(RunStatus.Stopped, state.Status);
    }

    [Fact]
    public void Whoever_takes_over_meanwhile_waits_too_and_when_it_has_gone_on_nobody_does_any_more()
    {
        Begin("a", "b");
        ComeBack("a");
        Wait(TimeSpan.FromHours(1));
        Assert.True(StateView.Of(state).Regrouping);
        Member("b", incarnation: "second");
        Wait(timing.RollCall);
        Assert.Equal((false, TaskPhase.Running), (StateView.Of(state).Regrouping, state.Tasks["worker"].Phase));
    }

    [Fact]
    public void Of_very_many_nodes_those_who_come_later_are_taken_in_and_all_that_were_placed_count()
    {
        string[] nodes = [.. Enumerable.Range(0, 40).Select(i => $"n{i:00}")];
        Begin(Definition(quorum: 0.5), nodes);
        ComeBack("n00");
        // The coordinator connection was cut: it begins again with what it has published.
        ComeBack("n00", isCold: false);
        foreach (var node in nodes.Skip(1).Take(18))
            Member(node, incarnation: "second");
        Wait(TimeSpan.FromHours(1));
        Assert.Equal("task 'worker' goes on when 20 of its 40 nodes are back; 19 are there", state.Waiting);
        Member("n39", incarnation: "second");
        Wait(timing.RollCall);
        var placed = state.Tasks["worker"].Placed;
        Assert.Equal(20, placed.Count(p => p.Value.Phase == AttemptPhase.Scheduled));
        // The quorum is still one of all that were placed, and who comes before its end takes part.
        Assert.Equal(20, Shortfall.NeededOf(state, state.Tasks["worker"]));
        Member("n38", incarnation: "second");
        Wait(TimeSpan.FromSeconds(1));
        Assert.Contains(Schedules("worker"), s => s.Node == "n38");
        // A successor that has seen them all goes on counting those who have not come.
        TakeOver(StateView.Of(state));
        Wait(timing.RollCall);
        Complete("worker", [.. state.Tasks["worker"].Placed.Keys]);
        Assert.Equal((TaskPhase.Running, 19, 20), (state.Tasks["worker"].Phase, state.Tasks["worker"].Unseen.Count, Shortfall.NeededOf(state, state.Tasks["worker"])));
        Wait(TimeSpan.FromSeconds(4));
        Assert.Equal("task 'worker' waits for 19 of 40: 19 more", state.Waiting);
        Wait(TimeSpan.FromMinutes(5));
        Assert.Equal((TaskPhase.Committed, 21), (state.Tasks["worker"].Phase, state.Tasks["worker"].Counts.Completed));
        Assert.Single(Schedules("aggregator"));
        Assert.Equal(21, Schedules("aggregator")[0].Message.Inputs.Length);
    }

    [Fact]
    public void Results_of_very_many_nodes_are_waited_for_before_they_are_combined()
    {
        string[] nodes = [.. Enumerable.Range(0, 40).Select(i => $"n{i:00}")];
        Begin(Definition(), nodes);
        var records = nodes.Select(node => Completed("worker", node, 1) with { Incarnation = "second" }).ToArray();
        Complete("worker", nodes);
        ComeBack("n00");
        Step(new CoordinatorEvent.UpdateSeen(records[0]));
        Wait(TimeSpan.FromHours(1));
        Assert.Equal("task 'worker' goes on when 40 of its 40 nodes are back; 1 are there", state.Waiting);
        foreach (var record in records.Skip(1))
        {
            Member(record.From, incarnation: "second");
            Step(new CoordinatorEvent.UpdateSeen(record));
        }
        Wait(timing.RollCall);
        Assert.Equal(40, Assert.Single(Schedules("aggregator")).Message.Inputs.Length);
    }

    [Fact]
    public void Who_comes_and_goes_without_having_anything_to_do_does_not_prolong_the_roll_call()
    {
        Begin("a");
        ComeBack("a");
        for (var i = 0; i < 5; i++)
        {
            Wait(timing.RollCall / 2);
            Member("z", incarnation: $"z{i}");
        }
        Assert.Equal(TaskPhase.Running, state.Tasks["worker"].Phase);
    }

    [Fact]
    public void Where_rounds_are_rather_skipped_it_waits_no_longer_than_a_deadline()
    {
        Begin(Rounds("\"maximum\": 5, \"on_shortfall\": \"skip\""), "a", "b");
        ComeBack("a");
        Wait(TimeSpan.FromMinutes(4));
        Assert.Empty(Schedules("worker"));
        Wait(TimeSpan.FromMinutes(1));
        Assert.NotEmpty(Schedules("worker"));
    }

    private void ComeBack(string node, bool isCold = true)
    {
        done.Clear();
        var retained = StateView.Of(state);
        now += TimeSpan.FromDays(2);
        var fresh = new CoordinatorState { Swarm = "s", Definition = state.Definition, Run = state.Run, Term = state.Term + 1, Timing = timing, IsCold = isCold };
        (state, var actions) = CoordinatorMachine.Begin(fresh, retained, goesOn: true, [Presence(node, incarnation: "second")], now);
        done.AddRange(actions);
    }

    private TaskAccepted Accepted(string node) => new()
    {
        From = node, Incarnation = "second", Run = state.Run.ToString(), Round = state.Round, Alias = "worker", Attempt = state.Tasks["worker"].Placed[node].Id,
    };
}
