using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>Tasks without a barrier: a round is over when its buffer is full, and who is at work goes on.</summary>
public sealed class AsynchronyTests : CoordinatorDriver
{
    private static SwarmDefinition Swarm(int buffer = 2, int staleness = 5, string rounds = "\"maximum\": 50", string more = "") => SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes($$"""
        { "name": "s", "module": "m",
          "tasks": [
            { "alias": "worker", "type": "W", "method": "all", "asynchronous": { "buffer": {{buffer}}, "maximum_staleness": {{staleness}} }{{more}} },
            { "alias": "aggregator", "type": "A", "after": ["worker"] },
            { "alias": "scheduler", "type": "S", "after": ["aggregator"] } ],
          "rounds": { "deadline": "00:05:00", {{rounds}} } }
        """));

    [Fact]
    public void A_round_is_over_when_its_buffer_is_full_and_who_is_at_work_goes_on()
    {
        Begin(Swarm(), "a", "b", "c", "d");
        AcceptAll();
        Tell("c", 1);
        Assert.Equal(TaskPhase.Running, state.Tasks["worker"].Phase);
        Tell("a", 1);
        Assert.Equal((TaskPhase.Committed, "a c", "b d"), (state.Tasks["worker"].Phase, Placed(), Carried()));
        Assert.Equal(["a", "c"], Inputs().Select(i => i.Node));
        Assert.All(Inputs(), i => Assert.Null(i.Round));
        FinishBehind();
        Assert.Equal((2, "a1 b0 c1 d0", "a b c d"), (state.Round, Ages(), Placed()));
        Assert.DoesNotContain(done, action => action is CoordinatorAction.Cancel);
        // Only those who were idle begin with the new version.
        Assert.Equal(["a2", "c2"], Schedules("worker").Skip(4).Select(s => $"{s.Node}{s.Message.Round}"));
        Assert.All(Schedules("worker"), s => Assert.Equal(5, s.Message.MaximumStaleness));
    }

    [Fact]
    public void A_late_record_counts_in_the_round_in_which_it_comes_with_the_round_in_which_it_began()
    {
        Begin(Swarm(), "a", "b", "c");
        AcceptAll();
        Round("a", "b");
        Accept();
        Tell("c", 1);
        Tell("a", 2);
        Assert.Equal(["a", "c1"], Inputs().Select(i => $"{i.Node}{i.Round}"));
        var told = StateView.Of(state).Tasks.Single(t => t.Alias == "worker");
        Assert.Equal("1: c, 2: a", Text(told.Counted));
        Assert.Equal("2: b", Text(told.InFlight));
    }

    [Fact]
    public void A_record_counts_once_however_often_it_is_told()
    {
        Begin(Swarm(), "a", "b", "c");
        AcceptAll();
        var first = Record("a", 1);
        Tell(first);
        Tell(first);
        Assert.Equal(1, state.Tasks["worker"].Counts.Completed);
        Tell("b", 1);
        Tell(first);
        FinishBehind();
        Accept();
        Tell(first);
        Tell(first with { Round = 2 });
        Assert.Equal(0, state.Tasks["worker"].Counts.Completed);
        Tell("a", 2);
        Assert.Equal(1, state.Tasks["worker"].Counts.Completed);
    }

    [Fact]
    public void What_comes_while_the_round_is_being_finished_counts_in_the_next_one_and_the_oldest_first()
    {
        Begin(Swarm(), "a", "b", "c", "d", "e");
        AcceptAll();
        Tell("a", 1);
        Tell("b", 1);
        foreach (var node in (string[])["e", "d", "c"])
            Tell(node, 1);
        Assert.Equal((TaskPhase.Committed, "a b", "c d e"), (state.Tasks["worker"].Phase, Placed(), Carried()));
        FinishBehind();
        // Three are there already, and the buffer holds two.
        Assert.Equal((2, TaskPhase.Committed, "c d"), (state.Round, state.Tasks["worker"].Phase, Placed()));
        Assert.Equal(["c1", "d1"], Inputs().Select(i => $"{i.Node}{i.Round}"));
        // Who was idle has begun with the version of that round all the same.
        Assert.Equal(["a2", "b2"], Schedules("worker").TakeLast(2).Select(s => $"{s.Node}{s.Message.Round}"));
        FinishBehind();
        Assert.Equal(1, state.Tasks["worker"].Counts.Completed);
        Tell("a", 2);
        Assert.Equal(["a2", "e1"], Inputs().Select(i => $"{i.Node}{i.Round}"));
    }

    [Fact]
    public void With_fewer_nodes_than_records_in_a_buffer_all_of_them_fill_it()
    {
        Begin(Swarm(buffer: 10), "a", "b");
        AcceptAll();
        Tell("a", 1);
        Assert.Equal(TaskPhase.Running, state.Tasks["worker"].Phase);
        Tell("b", 1);
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
    }

    [Fact]
    public void No_more_are_at_work_at_a_time_than_the_definition_allows()
    {
        Begin(Swarm(more: ", \"maximum\": 3"), "a", "b", "c", "d", "e");
        AcceptAll();
        var first = state.Tasks["worker"].Placed.Keys.ToArray();
        Assert.Equal(3, first.Length);
        Round(first[0], first[1]);
        Assert.Equal(3, state.Tasks["worker"].Placed.Count);
        Assert.Contains(first[2], state.Tasks["worker"].Placed.Keys);
    }

    [Fact]
    public void What_is_too_stale_is_cancelled_and_named_and_its_node_begins_anew()
    {
        Begin(Swarm(buffer: 1, staleness: 2), "a", "b");
        AcceptAll();
        for (var round = 1; round <= 3; round++)
        {
            Tell("a", round);
            FinishBehind();
            Accept();
        }
        var cancel = Assert.Single(done.OfType<CoordinatorAction.Cancel>());
        Assert.Equal(("b", AttemptId.Of(state.Run, 1, "worker", "b", 1)), (cancel.Node, cancel.Message.Attempt));
        Assert.Equal(new NodeTrouble { Node = "b", Reason = "worker: it began in round 1, and would count more than 2 rounds later" }, Assert.Single(state.History[^1].LeftOut));
        Assert.Equal((4, "a4 b4"), (state.Round, string.Join(' ', state.Tasks["worker"].Placed.Values.Select(a => $"{a.Node}{a.Round}"))));
        Tell("b", 1);
        Assert.Equal(TaskPhase.Running, state.Tasks["worker"].Phase);
    }

    [Fact]
    public void What_was_never_heard_of_begins_anew_with_the_version_of_the_round()
    {
        Begin(Swarm(), "a", "b", "c");
        foreach (var node in (string[])["a", "b"])
            Accept("worker", node, 0);
        Round("a", "b");
        done.Clear();
        Wait(timing.Resend);
        var again = Schedules("worker").Single(s => s.Node == "c");
        Assert.Equal((2, 2), (again.Message.Round, again.Message.Number));
        // A successor knows of it before the node does.
        Assert.True(done.FindIndex(a => a is CoordinatorAction.PublishState) < done.IndexOf(again));
        Assert.Equal("2: a b c", Text(StateView.Of(state).Tasks.Single(t => t.Alias == "worker").InFlight));
    }

    [Fact]
    public void Who_was_killed_and_is_back_may_tell_what_it_had_done_before_it_begins_anew()
    {
        Begin(Swarm(), "a", "b", "c");
        AcceptAll();
        Round("a", "b");
        Accept();
        Member("c", NodeStatus.Offline);
        now += TimeSpan.FromSeconds(10);
        Member("c", NodeStatus.Online, "second");
        Tell(Record("c", 1) with { Incarnation = "second" });
        Tell("a", 2);
        Assert.Equal(["a", "c1"], Inputs().Select(i => $"{i.Node}{i.Round}"));
    }

    [Fact]
    public void A_successor_counts_what_is_in_flight_once_and_what_was_counted_not_again()
    {
        Begin(Swarm(), "a", "b", "c", "d");
        AcceptAll();
        Round("a", "b");
        Accept();
        Tell("c", 1);
        var (old, late, fresh) = (Record("b", 1), Record("d", 1), Record("a", 2));
        var counted = Record("c", 1);
        TakeOver(StateView.Of(state));
        // Everything is told again, and what was counted in round 1 too.
        foreach (var record in (TaskCompleted[])[old, late, counted])
            Tell(record);
        Assert.Equal((TaskPhase.Pending, 2), (state.Tasks["worker"].Phase, state.Tasks["worker"].Counts.Completed));
        Wait(timing.RollCall);
        Assert.Equal(["c1", "d1"], Inputs().Select(i => $"{i.Node}{i.Round}"));
        Tell(fresh);
        Assert.Equal("a b", Carried());
    }

    [Fact]
    public void A_successor_waits_for_what_was_counted_and_does_without_it_at_last()
    {
        Begin(Swarm(), "a", "b", "c");
        AcceptAll();
        Tell("a", 1);
        Tell("b", 1);
        var (first, second, late) = (Record("a", 1), Record("b", 1), Record("c", 1));
        Member("b", NodeStatus.Offline);
        TakeOver(StateView.Of(state));
        Tell(first);
        Tell(late);
        Wait(TimeSpan.FromMinutes(4));
        // What came later does not take its place.
        Assert.Equal((TaskPhase.Committed, "a b", "c"), (state.Tasks["worker"].Phase, Placed(), Carried()));
        Assert.Empty(Schedules("aggregator"));
        Wait(TimeSpan.FromMinutes(2));
        Assert.Equal(["a"], Inputs().Select(i => i.Node));
        Assert.Equal("1: a", Text(StateView.Of(state).Tasks.Single(t => t.Alias == "worker").Counted));
        Tell(second);
        FinishBehind();
        Assert.Contains(state.History[^1].LeftOut, l => l is { Node: "b", Reason: "worker: its record was not told to the new coordinator" });
        Assert.Equal(1, state.Tasks["worker"].Counts.Completed);
    }

    [Fact]
    public void Where_nothing_of_a_buffer_is_to_be_had_the_round_is_given_up_and_who_is_at_work_goes_on()
    {
        Begin(Swarm(rounds: "\"maximum\": 50, \"retries\": 1"), "a", "b", "c");
        AcceptAll();
        Tell("a", 1);
        Tell("b", 1);
        Tell("c", 1);
        for (var i = 0; i < 2; i++)
        {
            var host = Host("aggregator");
            var inputs = Inputs();
            Step(new CoordinatorEvent.UpdateSeen(new TaskFailed
            {
                From = host, Incarnation = "first", Run = state.Run.ToString(), Round = 1, Alias = "aggregator", Attempt = state.Tasks["aggregator"].Placed[host].Id, Error = "E",
                Missing = [.. inputs.Select(x => new MissingResult { Node = x.Node, Sha256 = x.Staged.Content.Blob!.Sha256 })],
            }));
        }
        Assert.Equal(2, state.Round);
        Assert.Contains("none of the records in its buffer is to be had", state.History[^1].Skipped, StringComparison.Ordinal);
        Assert.Equal("a1 b1 c0", Ages());
        Assert.Equal(1, state.Tasks["worker"].Counts.Completed);
    }

    [Fact]
    public void A_round_that_is_given_up_loses_no_record_of_its_buffer()
    {
        Begin(Swarm(rounds: "\"maximum\": 50, \"retries\": 0, \"on_shortfall\": \"skip\""), "a", "b", "c");
        AcceptAll();
        Tell("a", 1);
        Tell("b", 1);
        Fail("aggregator", Host("aggregator"));
        Assert.Equal((2, "a b"), (state.Round, Placed()));
        Assert.Equal(["a1", "b1"], Inputs().Select(i => $"{i.Node}{i.Round}"));
        Assert.DoesNotContain(done, action => action is CoordinatorAction.Cancel { Node: "c" });
        Assert.Equal("c", Carried());
    }

    [Fact]
    public void But_what_a_model_was_made_of_counts_in_no_other_round()
    {
        var definition = Swarm(rounds: "\"maximum\": 50, \"retries\": 0, \"on_shortfall\": \"skip\"");
        Begin(definition, "a", "b", "c");
        AcceptAll();
        Tell("a", 1);
        Tell("b", 1);
        Step(new CoordinatorEvent.UpdateSeen(Completed("aggregator", Host("aggregator"), 1)));
        Fail("scheduler", Host("scheduler"));
        Assert.Equal((2, "a1 b1 c0", 0), (state.Round, Ages(), state.Tasks["worker"].Counts.Completed));
    }

    [Fact]
    public void Another_start_leaves_the_round_that_the_one_before_had_ended_within()
    {
        Begin(Swarm(), "a", "b", "c");
        AcceptAll();
        Tell("a", 1);
        Tell("b", 1);
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Stop));
        var stopped = StateView.Of(state);
        done.Clear();
        var fresh = new CoordinatorState { Swarm = "s", Definition = state.Definition, Run = state.Run with { Start = 2 }, Term = 2, Timing = timing };
        (state, _) = CoordinatorMachine.Begin(fresh, stopped, goesOn: true, state.Members.Values.Select(m => m.Presence), now);
        Wait(timing.RollCall);
        Assert.Equal((2, "the run had ended within it"), (state.Round, state.History[^1].Skipped));
        Assert.Equal("a1 b1 c1", Ages());
    }

    [Fact]
    public void Globals_stay_on_the_broker_for_those_who_began_with_them()
    {
        Begin(Swarm(buffer: 1, staleness: 3), "a", "b");
        AcceptAll();
        for (var round = 1; round <= 4; round++)
        {
            Tell("a", round);
            FinishBehind(Blob(round));
            Accept();
            // What round 1 began with was no global yet; b has it all the same.
            Assert.DoesNotContain(done.OfType<CoordinatorAction.ClearBlob>(), c => c.Blob == Blob(round));
        }
        // Rounds 2 and 3 are over for everybody; b began anew in round 5, with what was set in round 4.
        Assert.Equal([Blob(1), Blob(2), Blob(3)], done.OfType<CoordinatorAction.ClearBlob>().Select(c => c.Blob).Distinct());
        Member("b", NodeStatus.Offline);
        for (var round = 5; round <= 7; round++)
        {
            Tell("a", round);
            FinishBehind(Blob(round));
            Accept();
        }
        Assert.DoesNotContain(done.OfType<CoordinatorAction.ClearBlob>(), c => c.Blob == Blob(4));
        Assert.Contains(Blob(4).Sha256, StateView.Of(state).Tasks.Single(t => t.Alias == "worker").InFlight!.Value.Single(g => g.Round == 5).Reads);
        Assert.Contains(Blob(4), StateView.Of(state).Retiring);
    }

    [Fact]
    public void With_very_many_at_work_a_successor_knows_them_by_their_keys()
    {
        string[] nodes = [.. Enumerable.Range(0, 300).Select(i => $"node_{i:000}")];
        Begin(Swarm(buffer: 3), nodes);
        AcceptAll();
        Tell("node_000", 1);
        Tell("node_001", 1);
        Tell("node_002", 1);
        FinishBehind();
        var view = StateView.Of(state);
        var group = view.Tasks.Single(t => t.Alias == "worker").InFlight!.Value.Single(g => g.Round == 1);
        Assert.Empty(group.Nodes);
        Assert.True(group.Has("node_123") && !group.Has("node_001") && view.IsSound());
        TakeOver(view);
        Assert.Equal(300, state.Tasks["worker"].Placed.Count);
        Assert.Equal((2, 1), (state.Tasks["worker"].Placed["node_001"].Round, state.Tasks["worker"].Placed["node_123"].Round));
    }

    private static BlobRef Blob(int number) => new() { Sha256 = number.ToString("x64", System.Globalization.CultureInfo.InvariantCulture), Size = 1, ChunkSize = 1024, ChunkCount = 1, Format = "weights" };

    private string Placed() => string.Join(' ', state.Tasks["worker"].Placed.Where(p => p.Value.Phase != AttemptPhase.Failed || state.Tasks["worker"].Phase != TaskPhase.Committed).Select(p => p.Key));

    private string Carried() => string.Join(' ', state.Tasks["worker"].Carried.Keys);

    /// <summary>How many rounds after the first each began.</summary>
    private string Ages() => string.Join(' ', state.Tasks["worker"].Placed.Values.Select(a => $"{a.Node}{a.Round - 1}"));

    private System.Collections.Immutable.ImmutableArray<ScheduledInput> Inputs() => Schedules("aggregator")[^1].Message.Inputs;

    private static string Text(System.Collections.Immutable.ImmutableArray<AttemptGroup>? groups) => string.Join(", ", groups!.Value.Select(g => $"{g.Round}: {string.Join(' ', g.Nodes)}"));

    private void AcceptAll() => Accept();

    private void Accept()
    {
        foreach (var attempt in state.Tasks["worker"].Placed.Values.Where(a => a.Phase == AttemptPhase.Scheduled).ToArray())
            Accept("worker", attempt.Node, 0);
    }

    private TaskCompleted Record(string node, int round) => new()
    {
        From = node, Incarnation = "first", Run = state.Run.ToString(), Round = round, Alias = "worker", Seconds = 1, Attempt = AttemptId.Of(state.Run, round, "worker", node, 1),
        Results = [new StagedResult { Tag = "model_params", Samples = 1, Content = new ValueRef { Blob = new BlobRef { Sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{node}/{round}"))), Size = 1, ChunkSize = 1024, ChunkCount = 1, Format = "weights" } } }],
    };

    private void Tell(string node, int round) => Tell(Record(node, round));

    private void Tell(TaskCompleted record) => Step(new CoordinatorEvent.UpdateSeen(record));

    private void Round(params string[] nodes)
    {
        foreach (var node in nodes)
            Tell(node, state.Round);
        FinishBehind();
    }

    private void FinishBehind(BlobRef? global = null)
    {
        Step(new CoordinatorEvent.UpdateSeen(Completed("aggregator", Host("aggregator"), 1) with { Globals = global is null ? [] : [new StagedGlobal { Tag = "global_model_params", Content = new ValueRef { Blob = global } }] }));
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", Host("scheduler"), 1) with { Next = new NextRequest() }));
    }
}
