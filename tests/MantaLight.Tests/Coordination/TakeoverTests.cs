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
    public void An_answer_of_a_later_attempt_than_the_successor_knows_counts()
    {
        Begin("a");
        var number = AttemptId.Of(state.Run, 1, "worker", "a", 4);
        Step(new CoordinatorEvent.UpdateSeen(Completed("worker", "a", 1) with { Attempt = number }));
        Assert.Equal((TaskPhase.Committed, 4), (state.Tasks["worker"].Phase, state.Tasks["worker"].Placed["a"].Number));
    }

    [Fact]
    public void What_another_run_has_left_on_the_broker_is_cleared()
    {
        var old = new BlobRef { Sha256 = new string('b', 64), Size = 1, ChunkSize = 1024, ChunkCount = 1, Format = "weights" };
        var retired = old with { Sha256 = new string('c', 64) };
        var retained = new SwarmState { Run = "other-1", Start = 1, Status = RunStatus.Completed, Globals = [new GlobalEntry { Tag = "g", Content = new ValueRef { Blob = old } }], Tags = ["g"], Retiring = [retired] };
        Begin(Definition(), retained, "a");
        // Before the state that no longer names it: a successor would not know of it.
        Assert.Equal(new CoordinatorAction.ClearGlobal("g"), done[0]);
        Complete("worker", "a");
        Complete("aggregator", "a");
        Complete("scheduler", "a");
        Assert.Equal([old, retired], done.OfType<CoordinatorAction.ClearBlob>().Select(c => c.Blob).OrderBy(b => b.Sha256, StringComparer.Ordinal));
    }

    [Fact]
    public void A_state_of_a_lower_term_that_has_taken_the_place_of_its_own_is_replaced_but_not_more_than_once_a_second()
    {
        Begin("a");
        Wait(TimeSpan.FromSeconds(1));
        done.Clear();
        for (var i = 0; i < 100; i++)
            Step(new CoordinatorEvent.StateOverwritten());
        Assert.Single(done.OfType<CoordinatorAction.PublishState>());
        Wait(TimeSpan.FromSeconds(1));
        Assert.Equal(2, done.OfType<CoordinatorAction.PublishState>().Count());
    }

    [Fact]
    public void Deadlines_start_anew_with_a_successor()
    {
        Begin("a", "b");
        Accept("worker", "a", sent: 0);
        Complete("worker", "b");
        now += TimeSpan.FromMinutes(4);
        var running = Accepted("a");
        TakeOver(StateView.Of(state));
        Step(new CoordinatorEvent.UpdateSeen(running));
        Wait(timing.RollCall);
        // b has not answered the roll call: it is asked again, with the whole deadline.
        Assert.Equal(("b", 300.0), (Assert.Single(Schedules("worker")).Node, Schedules("worker")[0].Message.TimeoutSeconds));
        Wait(TimeSpan.FromMinutes(4));
        Assert.Equal(AttemptPhase.Accepted, state.Tasks["worker"].Placed["a"].Phase);
        Wait(TimeSpan.FromMinutes(1));
        Assert.True(state.Tasks["worker"].Placed["a"].IsLate);
    }

    [Fact]
    public void A_fixed_task_stays_where_it_was_also_when_the_successor_finds_it_before_its_turn()
    {
        var definition = SwarmJson.Parse("""
            { "name": "s", "module": "m", "tasks": [
                { "alias": "worker", "type": "W", "method": "all" },
                { "alias": "aggregator", "type": "A", "fixed": true, "after": ["worker"] },
                { "alias": "scheduler", "type": "S", "after": ["aggregator"] } ] }
            """u8.ToArray());
        Begin(definition, "a");
        // All of them join later, some with a better rank.
        foreach (var node in (string[])["b", "c", "d", "e", "f", "g", "h"])
            Member(node);
        Complete("worker", "a");
        Complete("aggregator", "a");
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", "a", 1) with { Next = new NextRequest() }));
        Assert.Equal((2, "a"), (state.Round, state.Tasks["aggregator"].Placed.Keys.Single()));
        TakeOver(StateView.Of(state));
        Wait(timing.RollCall);
        Complete("worker", "a", "b", "c", "d", "e", "f", "g", "h");
        Assert.Equal("a", Assert.Single(Schedules("aggregator")).Node);
        Complete("aggregator", "a");
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", state.Tasks["scheduler"].Placed.Keys.Single(), 1) with { Next = new NextRequest() }));
        Assert.Equal("a", state.Tasks["aggregator"].Placed.Keys.Single());
    }

    [Fact]
    public void A_task_to_come_keeps_the_nodes_that_the_round_began_with()
    {
        Begin(Rounds("\"maximum\": 3", """, { "alias": "test", "type": "T", "method": "all", "after": ["aggregator"] }"""), "a", "b");
        Member("c");
        TakeOver(StateView.Of(state));
        Wait(timing.RollCall);
        Assert.Equal(["a", "b"], state.Tasks["test"].Placed.Keys);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(100)]
    public void What_was_committed_by_quorum_keeps_its_contributions_and_a_late_one_stays_out(int nodes)
    {
        string[] names = [.. Enumerable.Range(0, nodes).Select(i => $"n{i:00}")];
        Begin(Rounds("\"quorum\": 0.5"), names);
        var late = names.Skip(nodes / 2).Select(node => Completed("worker", node, 1)).ToArray();
        Complete("worker", names[..(nodes / 2)]);
        Wait(TimeSpan.FromMinutes(5));
        var inTime = state.Tasks["worker"].Placed.Values.Select(a => a.Record).OfType<TaskCompleted>().ToArray();
        Assert.Equal(nodes / 2, inTime.Length);
        // Only some of them could be listed.
        Member("joined_later");
        TakeOver(StateView.Of(state));
        foreach (var record in late.Concat(inTime))
            Step(new CoordinatorEvent.UpdateSeen(record));
        Wait(timing.RollCall);
        Assert.Equal(names[..(nodes / 2)], Assert.Single(Schedules("aggregator")).Message.Inputs.Select(i => i.Node));
        Complete("aggregator", state.Tasks["aggregator"].Placed.Keys.Single());
        Complete("scheduler", state.Tasks["scheduler"].Placed.Keys.Single());
        var summary = Assert.Single(state.History);
        Assert.Equal((nodes / 2, Math.Min(16, nodes / 2)), (summary.Participants, summary.Late));
        Assert.All(summary.LeftOut, l => Assert.NotNull(l.LateSeconds));
    }

    [Fact]
    public void Of_many_nodes_a_running_task_stays_on_those_that_it_was_placed_on()
    {
        string[] names = [.. Enumerable.Range(0, 300).Select(i => $"n{i:000}")];
        Begin(names);
        Member("joined_later");
        Member("n007", NodeStatus.Offline);
        TakeOver(StateView.Of(state));
        Wait(timing.RollCall);
        Assert.Equal(names, state.Tasks["worker"].Placed.Keys);
    }

    [Fact]
    public void Skipped_rounds_and_late_records_are_still_known()
    {
        Begin(Rounds("\"quorum\": 2, \"on_shortfall\": \"skip\", \"retries\": 0"), "a", "b", "c");
        Fail("worker", "a");
        Fail("worker", "b");
        Complete("worker", "c");
        var late = Completed("worker", "c", 1);
        Complete("worker", "a", "b");
        Wait(TimeSpan.FromMinutes(5));
        Step(new CoordinatorEvent.UpdateSeen(late));
        TakeOver(StateView.Of(state));
        Assert.NotNull(Assert.Single(state.History).Skipped);
        Step(new CoordinatorEvent.UpdateSeen(late));
        Assert.Equal(0.0, state.Tasks["worker"].LeftOut["c"].LateSeconds);
        Assert.Equal((2, 2), (state.Round, state.Absences.Count));
    }

    [Fact]
    public void A_round_that_waits_for_its_quorum_goes_on_waiting()
    {
        Begin(Rounds("\"on_shortfall\": \"wait\", \"retries\": 0"), "a", "b");
        var first = Schedules("worker").Single(s => s.Node == "b").Message;
        Complete("worker", "a");
        Fail("worker", "b");
        var record = state.Tasks["worker"].Placed["a"].Record!;
        Wait(TimeSpan.FromMinutes(1));
        TakeOver(StateView.Of(state));
        Step(new CoordinatorEvent.UpdateSeen(record));
        Wait(timing.RollCall);
        Assert.Equal(("b", first.Seed), (Assert.Single(Schedules("worker")).Node, Schedules("worker")[0].Message.Seed));
        Fail("worker", "b");
        Assert.Equal(RunStatus.Running, state.Status);
        Wait(TimeSpan.FromMinutes(5));
        Complete("worker", "b");
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
    }

    [Fact]
    public void Results_that_nobody_reports_do_not_hold_up_a_task_that_has_them_already()
    {
        Begin("a", "b");
        Complete("worker", "a", "b");
        var host = state.Tasks["aggregator"].Placed.Keys.Single();
        var other = host == "a" ? "b" : "a";
        Accept("aggregator", host, sent: 0);
        var running = new TaskAccepted { From = host, Incarnation = "first", Run = state.Run.ToString(), Round = 1, Alias = "aggregator", Attempt = state.Tasks["aggregator"].Placed[host].Id };
        var record = Completed("aggregator", host, 1);
        Member(other, NodeStatus.Offline);
        TakeOver(StateView.Of(state));
        Step(new CoordinatorEvent.UpdateSeen(running));
        Wait(timing.RollCall);
        Assert.Equal((TaskPhase.Committed, TaskPhase.Running), (state.Tasks["worker"].Phase, state.Tasks["aggregator"].Phase));
        Step(new CoordinatorEvent.UpdateSeen(record));
        Assert.Equal(TaskPhase.Committed, state.Tasks["aggregator"].Phase);
    }

    [Fact]
    public void When_such_a_task_fails_its_inputs_are_made_again_before_it_is()
    {
        Begin("a", "b");
        Complete("worker", "a", "b");
        var records = state.Tasks["worker"].Placed.Values.Select(a => a.Record!).ToArray();
        var host = state.Tasks["aggregator"].Placed.Keys.Single();
        var attempt = state.Tasks["aggregator"].Placed[host].Id;
        TakeOver(StateView.Of(state));
        Step(new CoordinatorEvent.UpdateSeen(new TaskAccepted { From = host, Incarnation = "first", Run = state.Run.ToString(), Round = 1, Alias = "aggregator", Attempt = attempt }));
        Wait(timing.RollCall);
        Fail("aggregator", host);
        Assert.Empty(Schedules("aggregator"));
        Assert.Equal(["a", "b"], Schedules("worker").Select(s => s.Node));
        foreach (var record in records)
            Step(new CoordinatorEvent.UpdateSeen(record with { Attempt = state.Tasks["worker"].Placed[record.From].Id }));
        Assert.Equal(["a", "b"], Assert.Single(Schedules("aggregator")).Message.Inputs.Select(i => i.Node));
    }

    [Fact]
    public void A_global_is_set_once_also_when_the_results_beside_it_are_lost_and_made_again()
    {
        Begin("a");
        Complete("worker", "a");
        Step(new CoordinatorEvent.UpdateSeen(Completed("aggregator", "a", 1) with { Globals = [new StagedGlobal { Tag = "g", Content = One }] }));
        TakeOver(StateView.Of(state));
        Wait(timing.Patience);
        // It needs its inputs, which nobody has reported either.
        Assert.Equal((TaskPhase.Running, TaskPhase.Pending), (state.Tasks["worker"].Phase, state.Tasks["aggregator"].Phase));
        // One more successor, while it is being made again.
        TakeOver(StateView.Of(state));
        Wait(timing.Patience);
        Complete("worker", "a");
        Step(new CoordinatorEvent.UpdateSeen(Completed("aggregator", "a", 1) with { Globals = [new StagedGlobal { Tag = "g", Content = new ValueRef { Value = JsonSerializer.SerializeToElement(2) } }] }));
        Assert.Equal((1, 1), (state.Globals["g"].Version, state.Globals["g"].Content.Value!.Value.GetInt32()));
        Assert.Single(Schedules("scheduler"));
    }

    private TaskAccepted Accepted(string node) => new()
    {
        From = node, Incarnation = "first", Run = state.Run.ToString(), Round = state.Round, Alias = "worker", Attempt = state.Tasks["worker"].Placed[node].Id,
    };
}
