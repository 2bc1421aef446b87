using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>A swarm's coordination as a pure function of what arrives.</summary>
public sealed class CoordinatorTests : CoordinatorDriver
{
    [Fact]
    public void A_definition_that_is_run_already_does_not_end_its_run()
    {
        Begin("a");
        Step(new CoordinatorEvent.RunEnded(RunStatus.Superseded, "another definition was published", state.Run.Definition));
        Assert.Equal(RunStatus.Running, state.Status);
        Step(new CoordinatorEvent.RunEnded(RunStatus.Superseded, "another definition was published", "other"));
        Assert.Equal(RunStatus.Superseded, state.Status);
    }

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
    public void A_round_costs_beside_training_what_it_takes_longer_than_its_slowest_worker()
    {
        Begin("a", "b");
        now += TimeSpan.FromSeconds(6.5);
        Complete("worker", "b", seconds: 6);
        Complete("worker", "a", seconds: 4);
        now += TimeSpan.FromSeconds(1.25);
        Complete("aggregator", Host("aggregator"), seconds: 1);
        now += TimeSpan.FromSeconds(0.25);
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", Host("scheduler"), 0.1) with { Next = new NextRequest() }));
        var summary = Assert.Single(done.OfType<CoordinatorAction.PublishState>().Last().State.History);
        Assert.Equal((6, 2), (summary.TrainSeconds, summary.OverheadSeconds));
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
            Wait(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(RunStatus.Failed, state.Status);
        Assert.Contains("worker", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_fails_again_and_again_is_repeated_after_longer_and_longer_pauses_within_its_deadline()
    {
        Begin(Rounds("\"retries\": 100"), "a");
        var times = new List<double>();
        while (state.Status == RunStatus.Running)
        {
            if (Schedules("worker").Count > 0 && state.Tasks["worker"].Placed["a"].Phase == AttemptPhase.Scheduled)
            {
                times.Add((now - Start).TotalSeconds);
                Fail("worker", "a");
            }
            Wait(TimeSpan.FromSeconds(0.5));
        }
        Assert.Equal([0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 47.5], times.Take(8));
        Assert.InRange(times.Count, 20, 30);
        Assert.Contains("the deadline of 00:05:00 passed", state.Reason, StringComparison.Ordinal);
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
    public void A_moved_attempt_has_a_name_of_its_own_and_the_seed_of_the_first()
    {
        Begin("a", "b");
        Complete("worker", "a", "b");
        var first = Assert.Single(Schedules("aggregator"));
        var names = new List<string> { first.Message.Attempt };
        for (var i = 0; i < 2; i++)
        {
            var host = Schedules("aggregator")[^1].Node;
            done.Clear();
            Fail("aggregator", host);
            Wait(TimeSpan.FromSeconds(1));
            var moved = Assert.Single(Schedules("aggregator"));
            Assert.NotEqual(host, moved.Node);
            Assert.Equal(first.Message.Seed, moved.Message.Seed);
            names.Add(moved.Message.Attempt);
        }
        Assert.Equal(3, names.Distinct().Count());
    }

    [Fact]
    public void A_node_that_is_killed_again_and_again_does_not_hold_the_round_beyond_its_deadline()
    {
        Begin(Definition(quorum: 0.5), "a", "b");
        Complete("worker", "a");
        for (var i = 0; i < 10; i++)
        {
            Member("b", incarnation: $"again_{i}");
            Wait(TimeSpan.FromSeconds(35));
        }
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
    }

    [Fact]
    public void A_replaced_global_stays_until_the_round_is_over()
    {
        Begin("a");
        var blobs = Enumerable.Range(0, 2).Select(i => new BlobRef { Sha256 = new string((char)('a' + i), 64), Size = 1, ChunkSize = 1024, ChunkCount = 1, Format = "weights" }).ToArray();
        for (var round = 0; round < 2; round++)
        {
            Complete("worker", "a");
            Step(new CoordinatorEvent.UpdateSeen(Completed("aggregator", "a", 1) with { Globals = [new StagedGlobal { Tag = "g", Content = new ValueRef { Blob = blobs[round] } }] }));
            Assert.Empty(done.OfType<CoordinatorAction.ClearBlob>());
            Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", "a", 1) with { Next = new NextRequest() }));
        }
        Assert.Equal(blobs[0], Assert.Single(done.OfType<CoordinatorAction.ClearBlob>()).Blob);
    }

    [Fact]
    public void Waiting_is_published_once_not_at_every_look_at_the_clock()
    {
        Begin(Definition(), "a");
        Member("a", NodeStatus.Offline);
        Step(new CoordinatorEvent.UpdateSeen(Completed("worker", "a", 1)));
        done.Clear();
        for (var i = 0; i < 10; i++)
            Wait(TimeSpan.FromSeconds(1));
        Assert.InRange(done.OfType<CoordinatorAction.PublishState>().Count(), 0, 2);
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
}
