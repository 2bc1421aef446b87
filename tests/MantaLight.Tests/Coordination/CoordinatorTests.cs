using System.Text.Json;
using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>A swarm's coordination as a pure function of what arrives.</summary>
public sealed class CoordinatorTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly CoordinatorTiming timing = new();
    private readonly List<CoordinatorAction> done = [];
    private DateTimeOffset now = Start;
    private CoordinatorState state = null!;

    [Fact]
    public void Workers_are_scheduled_on_every_eligible_node_with_seeds_of_their_own()
    {
        Begin("a", "b", "c");
        var schedules = Schedules("worker");
        Assert.Equal(["a", "b", "c"], schedules.Select(s => s.Node));
        Assert.Equal(3, schedules.Select(s => s.Message.Seed).Distinct().Count());
        Assert.All(schedules, s => Assert.True(s.Message.Seed < 1UL << 53));
        Assert.All(schedules, s => Assert.False(s.Message.MaySetGlobals));
        Assert.Empty(Schedules("aggregator"));
    }

    [Fact]
    public void The_commit_comes_before_everything_that_rests_on_it()
    {
        Begin("a", "b");
        Complete("worker", "b");
        done.Clear();
        Complete("worker", "a");
        Assert.IsType<CoordinatorAction.PublishState>(done[0]);
        var schedule = Assert.Single(Schedules("aggregator"));
        Assert.True(schedule.Message.MaySetGlobals);
        // In node-id order, although b was first.
        Assert.Equal(["a", "b"], schedule.Message.Inputs.Select(i => i.Node));
    }

    [Fact]
    public void A_second_completion_changes_nothing()
    {
        Begin("a", "b");
        Complete("worker", "a");
        var before = state;
        Complete("worker", "a", seconds: 99);
        Assert.Equal(before.Tasks["worker"].Placed["a"], state.Tasks["worker"].Placed["a"]);
    }

    [Fact]
    public void A_schedule_message_without_answer_is_sent_again_as_the_same_attempt()
    {
        Begin("a");
        var first = Assert.Single(Schedules("worker")).Message;
        done.Clear();
        Wait(timing.Resend);
        Assert.Equal(first.Attempt, Assert.Single(Schedules("worker")).Message.Attempt);
    }

    [Fact]
    public void A_worker_that_comes_back_as_another_incarnation_gets_a_new_attempt_with_the_same_seed()
    {
        Begin("a", "b");
        var first = Schedules("worker").Single(s => s.Node == "b").Message;
        done.Clear();
        Member("b", NodeStatus.Offline);
        Member("b", incarnation: "second");
        Wait(timing.RollCall);
        var second = Assert.Single(Schedules("worker")).Message;
        Assert.Equal((2, first.Seed), (second.Number, second.Seed));
    }

    [Fact]
    public void An_aggregator_whose_host_dies_is_given_to_another_node()
    {
        Begin("a", "b", "c");
        Complete("worker", "a", "b", "c");
        var host = Assert.Single(Schedules("aggregator")).Node;
        done.Clear();
        Member(host, NodeStatus.Offline);
        Wait(timing.Offline);
        Assert.NotEqual(host, Assert.Single(Schedules("aggregator")).Node);
    }

    [Fact]
    public void A_failed_attempt_is_repeated_as_often_as_the_definition_says()
    {
        Begin("a");
        for (var number = 1; number <= 3; number++)
        {
            Assert.Equal(number, Schedules("worker")[^1].Message.Number);
            Fail("worker", "a");
        }
        Assert.Equal(RunStatus.Failed, state.Status);
        Assert.Contains("worker", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void At_the_deadline_the_quorum_decides_and_who_was_late_is_named()
    {
        Begin(Definition(quorum: 0.5), "a", "b");
        Complete("worker", "a");
        Wait(TimeSpan.FromMinutes(5));
        Assert.Contains(done, a => a is CoordinatorAction.Cancel { Node: "b" });
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
        Assert.Equal("a", Assert.Single(Schedules("aggregator")).Message.Inputs.Single().Node);
        // Too late: it is refused.
        Complete("worker", "b");
        Assert.Null(state.Tasks["worker"].Placed["b"].Record);
    }

    [Fact]
    public void A_successor_goes_on_in_the_same_round_with_the_reports_of_the_roll_call()
    {
        Begin("a", "b");
        Complete("worker", "a", "b");
        var retained = done.OfType<CoordinatorAction.PublishState>().Last().State;
        var records = state.Tasks["worker"].Placed.Values.Select(a => a.Record!).ToArray();
        Assert.Equal(TaskPhase.Committed, retained.Tasks[0].Phase);

        done.Clear();
        var fresh = new CoordinatorState { Swarm = "s", Definition = state.Definition, Run = state.Run, Term = 2, Timing = timing };
        (state, var actions) = CoordinatorMachine.Begin(fresh, retained, state.Members.Values.Select(m => m.Presence), now);
        done.AddRange(actions);
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
    public void The_state_stays_below_64_KiB_with_a_thousand_nodes()
    {
        Begin([.. Enumerable.Range(0, 1000).Select(i => $"a_participant_with_a_rather_long_name_{i:0000}")]);
        foreach (var node in state.Members.Keys)
            Fail("worker", node, message: new string('x', 5000));
        var bytes = ProtocolJson.Write(StateView.Of(state));
        Assert.True(bytes.Length < 64 * 1024, $"{bytes.Length} bytes");
    }

    [Fact]
    public void A_task_that_asks_for_the_next_round_from_an_alias_skips_what_lies_before()
    {
        Begin("a");
        Complete("worker", "a");
        Complete("aggregator", "a");
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", "a", 1) with { Next = new NextRequest { Alias = "aggregator" } }));
        Assert.Equal((2, TaskPhase.Skipped, TaskPhase.Running), (state.Round, state.Tasks["worker"].Phase, state.Tasks["aggregator"].Phase));
    }

    private static SwarmDefinition Definition(double quorum = 1.0) => SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes($$"""
        { "name": "s", "module": "m",
          "tasks": [
            { "alias": "worker", "type": "W", "method": "all" },
            { "alias": "aggregator", "type": "A", "after": ["worker"] },
            { "alias": "scheduler", "type": "S", "after": ["aggregator"] } ],
          "rounds": { "maximum": 5, "deadline": "00:05:00", "quorum": {{quorum.ToString(System.Globalization.CultureInfo.InvariantCulture)}} } }
        """));

    private void Begin(params string[] nodes) => Begin(Definition(), nodes);

    private void Begin(SwarmDefinition definition, params string[] nodes)
    {
        var fresh = new CoordinatorState { Swarm = "s", Definition = definition, Run = new RunId(SwarmJson.HashOf(definition), 1), Term = 1, Timing = timing };
        (state, var actions) = CoordinatorMachine.Begin(fresh, null, nodes.Select(n => Presence(n)), now);
        done.AddRange(actions);
    }

    private static Presence Presence(string node, NodeStatus status = NodeStatus.Online, string incarnation = "first") =>
        new() { From = node, Incarnation = incarnation, Status = status, Modules = ["m"] };

    private void Member(string node, NodeStatus status = NodeStatus.Online, string incarnation = "first") =>
        Step(new CoordinatorEvent.MemberSeen(Presence(node, status, incarnation)));

    private TaskCompleted Completed(string alias, string node, double seconds) => new()
    {
        From = node, Incarnation = "first", Run = state.Run.ToString(), Round = state.Round, Alias = alias, Seconds = seconds,
        Attempt = state.Tasks[alias].Placed[node].Id,
        Results = [new StagedResult { Tag = "r", Content = new ValueRef { Value = JsonSerializer.SerializeToElement(1) } }],
    };

    private void Complete(string alias, params string[] nodes)
    {
        foreach (var node in nodes)
            Step(new CoordinatorEvent.UpdateSeen(Completed(alias, node, 1)));
    }

    private void Complete(string alias, string node, double seconds) => Step(new CoordinatorEvent.UpdateSeen(Completed(alias, node, seconds)));

    private void Fail(string alias, string node, string message = "no") => Step(new CoordinatorEvent.UpdateSeen(new TaskFailed
    {
        From = node, Incarnation = "first", Run = state.Run.ToString(), Round = state.Round, Alias = alias, Attempt = state.Tasks[alias].Placed[node].Id, Error = "E", Message = message,
    }));

    private void Wait(TimeSpan time)
    {
        now += time;
        Step(new CoordinatorEvent.Tick(default));
    }

    private void Step(CoordinatorEvent happening)
    {
        (state, var actions) = CoordinatorMachine.Step(state, happening, now);
        done.AddRange(actions);
    }

    private IReadOnlyList<CoordinatorAction.Schedule> Schedules(string alias) =>
        [.. done.OfType<CoordinatorAction.Schedule>().Where(s => s.Message.Alias == alias)];
}
