using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;

namespace MantaLight.Integration.Tests.Cli;

public sealed class RunViewTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    private readonly RunView view = new("mnist");

    [Fact]
    public void A_round_reads_as_in_the_tutorial()
    {
        string[] lines =
        [
            .. Lines(State(1)),
            .. Lines(Update<TaskRunning>("node_0", "worker")),
            .. Lines(Completed("node_0", "worker", ("train_metrics", """{"loss":0.31249,"samples":30000,"seconds":4.5}"""))),
            .. Lines(Completed("node_1", "worker", ("train_metrics", """{"loss":0.5,"samples":30000}"""))),
            .. Lines(Completed("node_0", "aggregator", ("aggregation", """{"participants":["node_0","node_1"],"participant_count":2,"samples":60000,"refused":[]}"""))),
            .. Lines(Completed("node_1", "scheduler") with { Next = new NextRequest { Reason = "threshold 99.0% not reached" } }),
            .. Lines(State(2, Summary(1, accuracy: 0.923))),
        ];
        Assert.Equal(
            """
            Swarm mnist: running
            Task Update: worker_001 - RUNNING - node_0
            Task Update: worker_001 - COMPLETED - node_0
            Task Update: worker_001 - COMPLETED - node_1
            Task Update: aggregator_001 - COMPLETED - node_0
            Task Update: scheduler_001 - COMPLETED - node_1
            Round 1 Results:
            - node_0: local loss 0.312, trained on 30000 samples
            - node_1: local loss 0.500, trained on 30000 samples
            - Aggregator: combined models from 2 workers (60000 total samples)
            - Global test accuracy: 92.3%
            - Scheduler: continue (threshold 99.0% not reached)
            """.Split('\n'),
            lines);
    }

    [Fact]
    public void The_last_round_does_not_say_that_another_follows()
    {
        Lines(State(3));
        Lines(Completed("node_1", "scheduler") with { Round = 3, Next = new NextRequest { Reason = "threshold 99.0% not reached" } });
        var end = State(3, Summary(3, accuracy: 0.9)) with { Status = RunStatus.Completed, Reason = "all 3 rounds done" };
        Assert.Contains("- Scheduler: no round is left (threshold 99.0% not reached)", Lines(end));
    }

    [Theory]
    [InlineData(100, false, 1)]
    [InlineData(101, false, 0)]
    [InlineData(100, true, 0)]
    public void Up_to_a_hundred_nodes_of_a_task_are_named_and_more_are_counted(int nodes, bool areMany, int lines)
    {
        var counting = new RunView("mnist") { AreMany = areMany };
        string[] Lines(ControlMessage message) => [.. counting.Apply(message, Now).SelectMany(h => PlainLines.Of(h, "mnist"))];
        // Others are there too.
        for (var node = 0; node < 150; node++)
            Lines(new Presence { From = $"node_{node}", Status = NodeStatus.Online });
        var state = State(1) with { Tasks = [new TaskState { Alias = "worker", Phase = TaskPhase.Running, Placed = nodes }] };
        Lines(state);
        Assert.Equal(lines, Lines(Completed("node_0", "worker")).Length);
        // Said again until it is committed.
        Lines(Completed("node_0", "worker"));
        Assert.Equal(lines == 1 ? null : (("worker", 1, nodes)), counting.Progress?.Tasks.Single());
        // Counts are told where nothing else is.
        Assert.Empty(counting.Tick(Now));
        Assert.Equal(1 - lines, counting.Tick(Now.AddSeconds(10)).OfType<Happening.Progressed>().Count());
        // Who begins to watch in the middle of a round has the state's count; another run begins anew.
        Lines(state with { Tasks = [state.Tasks[0] with { Completed = 40 }] });
        Assert.Equal(lines == 1 ? null : (("worker", 40, nodes)), counting.Progress?.Tasks.Single());
        Lines(state with { Run = "run-2", Start = 2 });
        Assert.Equal(lines == 1 ? null : (("worker", 0, nodes)), counting.Progress?.Tasks.Single());
    }

    [Fact]
    public void Duplicates_and_late_messages_say_nothing()
    {
        Lines(State(1));
        Lines(Update<TaskAccepted>("node_0", "worker"));
        Assert.Single(Lines(Update<TaskRunning>("node_0", "worker") with { Progress = 0.1 }));
        Assert.Empty(Lines(Update<TaskRunning>("node_0", "worker") with { Progress = 0.6, Loss = 0.4 }));
        Assert.Empty(Lines(Update<TaskAccepted>("node_0", "worker")));
        var attempt = Assert.Single(view.Attempts);
        Assert.Equal((0.6, 0.4, AttemptStatus.Running), (attempt.Progress, attempt.Loss, attempt.Status));
        Assert.Single(Lines(Completed("node_0", "worker")));
        Assert.Empty(Lines(Completed("node_0", "worker")));
        Assert.Empty(Lines(Update<TaskRunning>("node_0", "worker")));
        Assert.Equal(1, Assert.Single(view.Attempts).Progress);
    }

    [Fact]
    public void A_failed_attempt_is_told_with_its_reason_once_and_its_repetition_is_told_anew()
    {
        Lines(State(1));
        Lines(Update<TaskRunning>("node_0", "worker"));
        var failed = Update<TaskFailed>("node_0", "worker") with { Error = "IOException", Message = "disk\u001b[31m\nfull" };
        Assert.Equal(["Task Update: worker_001 - FAILED - node_0 - IOException: disk[31m full"], Lines(failed));
        var trouble = new NodeTrouble { Node = "node_0", Reason = "IOException: disk\u001b[31m\nfull" };
        Assert.Empty(Lines(State(1) with { Tasks = [new TaskState { Alias = "worker", Troubles = [trouble] }] }));
        Assert.Equal(["Task Update: worker_001 - ACCEPTED - node_0"], Lines(Update<TaskAccepted>("node_0", "worker", number: 2)));
        Assert.Empty(Lines(failed)); // late: of the first attempt
    }

    [Fact]
    public void Whoever_was_left_out_is_named_with_the_reason()
    {
        Lines(State(1));
        var left = new NodeTrouble { Node = "node_1", Reason = "fc.weight is NaN" };
        Assert.Contains("- Left out: node_1: fc.weight is NaN", Lines(State(2, Summary(1, 0.5) with { LeftOut = [left] })));
    }

    [Fact]
    public void Waiting_is_told_once_and_only_after_a_second()
    {
        Lines(State(1) with { Waiting = "node_1 is away" });
        Assert.Empty(view.Tick(Now.AddSeconds(0.9)));
        Assert.Equal(new Happening.Waiting("node_1 is away"), Assert.Single(view.Tick(Now.AddSeconds(1.1))));
        Assert.Empty(view.Tick(Now.AddSeconds(9)));
        Assert.Equal("node_1 is away", view.Waiting);
        Lines(State(1));
        Assert.Null(view.Waiting);
    }

    [Fact]
    public void A_wait_whose_words_are_renewed_stays_in_sight_and_is_told_again_after_half_a_minute()
    {
        Lines(State(1) with { Waiting = "node_1 is away for 3 s" });
        Assert.Single(view.Tick(Now.AddSeconds(1)));
        Lines(State(1) with { Waiting = "node_1 is away for 8 s" });
        Assert.Empty(view.Tick(Now.AddSeconds(5)));
        Assert.Equal("node_1 is away for 8 s", view.Waiting);
        Assert.Equal(new Happening.Waiting("node_1 is away for 8 s"), Assert.Single(view.Tick(Now.AddSeconds(31))));
        Assert.Empty(view.Tick(Now.AddSeconds(62)));
    }

    [Fact]
    public void While_tasks_run_a_wait_is_told_in_lines_only_when_it_is_long()
    {
        Lines(State(1) with { Waiting = "task 'worker' waits for 1 of 2: node_0 (running)" });
        Lines(Update<TaskRunning>("node_0", "worker"));
        Assert.Empty(view.Tick(Now.AddSeconds(9)));
        Assert.NotNull(view.Waiting);
        Assert.Single(view.Tick(Now.AddSeconds(10)));
    }

    [Fact]
    public void A_round_that_was_given_up_and_a_record_that_came_late_are_told()
    {
        Lines(State(1));
        var late = new NodeTrouble { Node = "node_1", Reason = "worker: the deadline of 00:05:00 passed", LateSeconds = 4.2 };
        var lines = Lines(State(2, new RoundSummary { Round = 1, Skipped = "too few", LeftOut = [late], Late = 1 }));
        Assert.Equal(["Round 1 Results:", "- Given up: too few", "- Left out: node_1: worker: the deadline of 00:05:00 passed (came 4.2 s late)"], lines);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_spent_of_privacy_is_that_of_the_node_that_has_spent_most(bool isForgotten)
    {
        Lines(State(1));
        Lines(Completed("node_0", "worker", ("train_metrics", """{"samples":900,"epsilon":1.5,"delta":1e-5,"private":1}""")));
        Lines(Completed("node_1", "worker", ("train_metrics", """{"samples":100,"epsilon":2.5,"delta":1e-5,"private":1}""")));
        var summary = Summary(1, 0.9);
        summary = summary with { Metrics = summary.Metrics.Add("train_metrics.epsilon", 1.6).Add("train_metrics.private", 1).Add("privacy.epsilon", 3).Add("privacy.delta", 1e-6).Add("privacy.private", 0) };
        var lines = Lines(State(1, summary));
        Assert.Contains("- Privacy of samples: ε = 2.500 at δ = 1E-05", lines);
        Assert.Contains("- Privacy of participants: ε = 3.000 at δ = 1E-06 (not private: reproducible run)", lines);
        if (isForgotten)
            view.Finished.Single().Forget();
        Assert.Equal([("participants", 3.0, false), ("samples", 2.5, true)], PrivacyReport.After(view.Finished).Select(p => (p.Of, p.Epsilon!.Value, p.Private)));
    }

    [Fact]
    public void Messages_of_another_run_or_swarm_change_nothing()
    {
        Lines(State(1));
        Assert.Empty(Lines(Update<TaskRunning>("node_0", "worker") with { Run = "other-1" }));
        Assert.Empty(Lines(State(7) with { Swarm = "other" }));
        Assert.Empty(view.Attempts);
        Assert.Equal(1, view.State!.Round);
    }

    [Fact]
    public void Only_the_awaited_run_counts_and_another_one_in_its_place_ends_it()
    {
        var awaited = new RunView("mnist", s => s is { Definition: "ours", Start: > 1 });
        Assert.Empty(awaited.Apply(State(3) with { Definition = "ours", Start = 1, Status = RunStatus.Completed }, Now));
        Assert.Null(awaited.State);
        awaited.Apply(State(1) with { Run = "ours-2", Definition = "ours", Start = 2 }, Now);
        awaited.Apply(State(1) with { Run = "theirs-3", Definition = "theirs", Start = 3 }, Now);
        Assert.True(awaited.HasEnded);
        Assert.Equal(RunStatus.Superseded, awaited.State!.Status);
    }

    [Fact]
    public void A_state_of_a_lower_term_is_old_news()
    {
        Lines(State(2) with { Term = 5 });
        Assert.Empty(Lines(State(1) with { Term = 4 }));
        Assert.Equal(2, view.State!.Round);
    }

    [Fact]
    public void A_line_tells_of_a_round_whose_node_is_worst_and_how_far_apart_they_are()
    {
        var spread = new MetricSpread
        {
            Metric = "test_metrics.accuracy", Nodes = 12, Worst = 0.712, WorstNode = "node_7", StandardDeviation = 0.0512,
            Deciles = [.. Enumerable.Range(0, 11).Select(d => 0.712 + (d * 0.02))],
        };
        Lines(State(1, Summary(1, 0.8) with { Spread = [spread, spread with { Deciles = [] }] }));
        Assert.Equal(
            ["Accuracy of 12 nodes: worst 71.2% (node_7), a tenth below 73.2%, half below 81.2%, a tenth above 89.2%, standard deviation 5.1%"], SpreadLines.Of(view.Finished.Single()));
    }

    [Fact]
    public async Task The_report_has_the_agreed_members_and_each_node_s_numbers()
    {
        Lines(State(1));
        Lines(Completed("node_0", "worker", ("train_metrics", """{"loss":0.25,"samples":10,"seconds":4.5}""")));
        Lines(Completed("node_0", "test", ("test_metrics", """{"accuracy":0.9,"loss":0.5,"samples":5}""")));
        Lines(State(1, Summary(1, 0.9)) with { Status = RunStatus.Completed, Reason = "done", BytesUp = 7 });
        var report = new RunReport
        {
            Status = "completed", Reason = "done", Swarm = "mnist", Seed = ulong.MaxValue, Run = view.State!.Run, Nodes = 1, Partition = "iid",
            Rounds = [.. view.Finished.Select(RoundReport.Of)], BytesUp = 7, BytesDown = 8, Seconds = 1,
        };
        var folder = Directory.CreateTempSubdirectory("mantalight-cli-");
        try
        {
            var path = Path.Combine(folder.FullName, "new", "out.json");
            await report.WriteAsync(path, TestContext.Current.CancellationToken);
            using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
            Assert.Equal(ulong.MaxValue, json.RootElement.GetProperty("seed").GetUInt64());
            var round = json.RootElement.GetProperty("rounds")[0];
            Assert.Equal(
                ["round", "accuracy", "loss", "bytes_up", "bytes_down", "train_seconds", "overhead_seconds", "global_sha256", "participants", "left_out", "late", "skipped", "decision", "metrics", "spread", "nodes"],
                round.EnumerateObject().Select(m => m.Name));
            Assert.Equal("""{"node":"node_0","loss":0.25,"samples":10,"seconds":4.5,"accuracy":0.9,"test_loss":0.5,"test_samples":5}""",
                JsonSerializer.Serialize(round.GetProperty("nodes")[0]));
            Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private string[] Lines(ControlMessage message) =>
        [.. view.Apply(message, Now).SelectMany(h => PlainLines.Of(h, "mnist"))];

    private static SwarmState State(int round, params ImmutableArray<RoundSummary> history) => new()
    {
        Swarm = "mnist", Run = "run-1", Term = 1, Start = 1, Status = RunStatus.Running, Round = round, MaximumRounds = 3, History = history,
    };

    private static RoundSummary Summary(int round, double accuracy) => new()
    {
        Round = round,
        Metrics = ImmutableSortedDictionary<string, double>.Empty.Add("test_metrics.accuracy", accuracy),
    };

    private static T Update<T>(string node, string alias, int number = 1)
        where T : TaskUpdate, new() => new()
        {
            From = node, Run = "run-1", Round = 1, Alias = alias, Attempt = $"run-1.1.{alias}.{node}.{number}",
        };

    private static TaskCompleted Completed(string node, string alias, params (string Tag, string Value)[] results) => Update<TaskCompleted>(node, alias) with
    {
        Results = [.. results.Select(r => new StagedResult { Tag = r.Tag, Content = new ValueRef { Value = JsonElement.Parse(r.Value) } })],
    };
}
