using System.Diagnostics;
using System.Text.Json;
using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>A thousand nodes overflow neither a queue nor the coordinator.</summary>
public sealed class ManyNodesTests : CoordinatorDriver
{
    private static readonly string[] Nodes = [.. Enumerable.Range(0, 1000).Select(i => $"participant_{i:0000}")];

    [Fact]
    public void At_most_200_attempts_are_scheduled_and_not_accepted_and_the_others_follow_in_node_order()
    {
        Begin(Nodes);
        Assert.Equal(Nodes.Take(200), Schedules("worker").Select(s => s.Node));
        var most = 0;
        for (var accepted = 0; accepted < Nodes.Length; accepted++)
        {
            Accept("worker", Nodes[accepted], sent: 0);
            most = Math.Max(most, state.Tasks["worker"].Counts.Scheduled);
        }
        Assert.Equal(200, most);
        Assert.Equal(Nodes, Schedules("worker").Select(s => s.Node));
    }

    [Fact]
    public void The_window_is_one_for_all_tasks()
    {
        Begin(Rounds("\"maximum\": 3", """, { "alias": "other", "type": "O", "method": "all" }"""), [.. Nodes.Take(150)]);
        Assert.Equal(200, done.OfType<CoordinatorAction.Schedule>().Count());
        foreach (var schedule in done.OfType<CoordinatorAction.Schedule>().ToArray())
            Accept(schedule.Message.Alias, schedule.Node, sent: 0);
        Assert.Equal(300, done.OfType<CoordinatorAction.Schedule>().Count());
    }

    [Fact]
    public void Nodes_that_do_not_answer_hold_the_others_up_for_some_seconds_only()
    {
        Begin(Nodes);
        Wait(timing.Resend);
        Wait(timing.Resend);
        Assert.Equal(800, state.Tasks["worker"].Counts.Waiting);
        Wait(timing.Resend);
        Assert.Equal(600, state.Tasks["worker"].Counts.Waiting);
    }

    [Fact]
    public void A_wait_for_one_s_turn_does_not_count_for_the_deadline()
    {
        Begin(Nodes);
        now += TimeSpan.FromMinutes(4);
        foreach (var node in Nodes.Take(200))
            Complete("worker", node);
        Assert.Equal(300, Schedules("worker").Single(s => s.Node == Nodes[200]).Message.TimeoutSeconds);
    }

    [Fact]
    public void Nobody_who_waits_for_his_turn_is_lost_in_a_take_over()
    {
        Begin(Nodes);
        TakeOver(StateView.Of(state));
        CallRoll();
        foreach (var node in Nodes)
            Accept("worker", node, sent: 0);
        Assert.Equal(Nodes, Schedules("worker").Select(s => s.Node));
    }

    [Fact]
    public void A_successor_calls_200_at_once_and_200_a_second_and_waits_for_the_last_as_for_the_first()
    {
        Begin(Nodes);
        TakeOver(StateView.Of(state));
        Assert.Equal(Nodes.Take(200), Called());
        Wait(TimeSpan.FromSeconds(1));
        Assert.Equal(Nodes.Take(400), Called());
        for (var i = 0; i < 12; i++)
            Wait(TimeSpan.FromSeconds(0.25));
        Assert.Equal(Nodes, Called());
        Assert.Empty(Schedules("worker"));
        Wait(timing.RollCall - TimeSpan.FromSeconds(0.1));
        Assert.Empty(Schedules("worker"));
        Wait(TimeSpan.FromSeconds(0.1));
        Assert.Equal(200, Schedules("worker").Count);
    }

    [Fact]
    public void A_member_that_comes_back_before_its_turn_in_the_roll_call_is_called_once()
    {
        Begin(Nodes);
        TakeOver(StateView.Of(state));
        Member(Nodes[^1], incarnation: "second");
        Member(Nodes[0], incarnation: "second");
        CallRoll();
        Assert.Equal((2, 1), (Called().Count(n => n == Nodes[0]), Called().Count(n => n == Nodes[^1])));
    }

    private void CallRoll()
    {
        for (var until = now + TimeSpan.FromSeconds(4) + timing.RollCall; now < until;)
            Wait(TimeSpan.FromSeconds(0.25));
    }

    private IEnumerable<string> Called() => done.OfType<CoordinatorAction.CallRoll>().Select(c => c.Node);

    [Fact]
    public void While_a_run_is_paused_nobody_gets_his_turn()
    {
        Begin(Nodes);
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Pause));
        foreach (var node in Nodes.Take(200))
            Accept("worker", node, sent: 0);
        Assert.Equal(200, Schedules("worker").Count);
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Resume));
        Assert.Equal(400, Schedules("worker").Count);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(200, 0)]
    [InlineData(300, 0.5)]
    [InlineData(1000, 4)]
    public void Nodes_are_told_over_how_long_to_spread_their_records_and_get_that_time_on_top(int nodes, double seconds)
    {
        Begin([.. Nodes.Take(nodes)]);
        var schedule = Schedules("worker")[0].Message;
        Assert.Equal((seconds, 300), (schedule.ReportSpreadSeconds, schedule.TimeoutSeconds));
        Assert.Equal(TimeSpan.FromSeconds(300 + seconds), state.Tasks["worker"].Placed[Nodes[0]].Deadline - now);
    }

    [Fact]
    public void A_thousand_that_complete_at_once_are_one_commit_in_bounded_time_and_size()
    {
        Begin(Nodes);
        foreach (var node in Nodes)
            Accept("worker", node, sent: 0);
        done.Clear();
        var begun = Stopwatch.GetTimestamp();
        foreach (var node in Nodes)
            Complete("worker", node);
        var took = Stopwatch.GetElapsedTime(begun);
        var committed = Assert.Single(done.OfType<CoordinatorAction.PublishState>()).State;
        Assert.Equal((TaskPhase.Committed, 1000), (committed.Tasks[0].Phase, committed.Tasks[0].Completed));
        Assert.Equal(1000, Assert.Single(Schedules("aggregator")).Message.Inputs.Length);
        Assert.True(ProtocolJson.Write(committed).Length < 64 * 1024);
        // Some milliseconds; this is about orders of magnitude.
        Assert.True(took < TimeSpan.FromSeconds(5), $"{took}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{took.TotalMilliseconds:F1} ms for 1,000 records and the commit");
    }

    [Fact]
    public void The_inputs_of_2500_nodes_fit_into_a_packet_of_one_MiB()
    {
        string[] nodes = [.. Enumerable.Range(0, 2500).Select(i => $"participant_{i:0000}")];
        Begin(nodes);
        foreach (var node in nodes)
        {
            Step(new CoordinatorEvent.UpdateSeen(Completed("worker", node, 1) with
            {
                Results =
                [
                    new StagedResult { Tag = "train_metrics", Content = new ValueRef { Value = JsonSerializer.SerializeToElement(new { loss = 0.3127, samples = 60_000 }) } },
                    new StagedResult { Tag = "model_params", Samples = 60_000, Content = new ValueRef { Blob = new BlobRef
                    {
                        Sha256 = new string('a', 64), Size = 2_679_272, ChunkSize = 262_144, ChunkCount = 11, Format = ValueFormat.Weights,
                    } } },
                ],
            }));
        }
        var size = ProtocolJson.Write(Assert.Single(Schedules("aggregator")).Message).Length;
        Assert.InRange(size, 900_000, (1 << 20) - 4096);
        TestContext.Current.TestOutputHelper?.WriteLine($"{size} bytes, {size / nodes.Length} for each node");
    }

    [Fact]
    public void A_task_for_all_nodes_after_another_makes_its_inputs_once()
    {
        Begin(Rounds("\"maximum\": 3", """, { "alias": "second", "type": "O", "method": "all", "after": ["worker"] }"""), Nodes);
        foreach (var node in Nodes)
            Complete("worker", node);
        var inputs = Schedules("second").Select(s => s.Message.Inputs).ToArray();
        Assert.Equal(199, inputs.Length);
        Assert.All(inputs, i => Assert.True(i == inputs[0]));
    }

    [Fact]
    public void A_look_at_the_clock_costs_little_with_a_thousand_nodes()
    {
        Begin(Nodes);
        foreach (var node in Nodes)
            Accept("worker", node, sent: 0);
        var begun = Stopwatch.GetTimestamp();
        for (var i = 0; i < 400; i++)
            Wait(TimeSpan.FromMilliseconds(250));
        var took = Stopwatch.GetElapsedTime(begun);
        Assert.True(took < TimeSpan.FromSeconds(10), $"{took}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{took.TotalMilliseconds / 400:F2} ms for each tick");
    }

    [Fact]
    public void Progress_of_a_thousand_nodes_costs_little_and_publishes_nothing()
    {
        Begin(Nodes);
        foreach (var node in Nodes)
            Accept("worker", node, sent: 0);
        done.Clear();
        var begun = Stopwatch.GetTimestamp();
        for (var i = 0; i < 10; i++)
        {
            foreach (var node in Nodes)
                Progress("worker", node, i / 10.0);
        }
        var took = Stopwatch.GetElapsedTime(begun);
        Assert.Empty(done);
        Assert.True(took < TimeSpan.FromSeconds(10), $"{took}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{took.TotalMicroseconds / 10_000:F1} µs for each report of progress");
    }

    [Fact]
    public void A_thousand_that_join_one_by_one_are_counted_without_haste()
    {
        Begin(Rounds("\"minimum_nodes\": 1000"), Nodes[0]);
        var begun = Stopwatch.GetTimestamp();
        foreach (var node in Nodes.Skip(1))
            Member(node);
        var took = Stopwatch.GetElapsedTime(begun);
        Assert.Equal(200, Schedules("worker").Count);
        Assert.True(took < TimeSpan.FromSeconds(10), $"{took}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{took.TotalMilliseconds:F0} ms for 1,000 nodes that join");
    }
}
