using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>Every wait that lasts says what it waits for, and says it seldom.</summary>
public sealed class WaitTests : CoordinatorDriver
{
    [Fact]
    public void A_task_that_lasts_names_who_is_missing_and_what_they_are_doing()
    {
        Begin("node_0", "node_1", "node_2", "node_3", "node_4");
        Complete("worker", "node_0", "node_1", "node_2");
        Accept("worker", "node_4", sent: 0);
        Progress("worker", "node_4", 0.617);
        Member("node_3", NodeStatus.Offline);
        Wait(TimeSpan.FromSeconds(12));
        Assert.Equal("task 'worker' waits for 2 of 5: node_3 (offline 12 s), node_4 (running, 61 %)", state.Waiting);
        Assert.Equal(state.Waiting, States()[^1].Waiting);
    }

    [Fact]
    public void A_node_without_an_answer_and_one_that_tries_again_are_told_apart()
    {
        Begin("a", "b", "c");
        Wait(TimeSpan.FromSeconds(1));
        Fail("worker", "b", "it is too warm");
        Accept("worker", "b", sent: 0);
        Accept("worker", "c", sent: 0);
        Wait(TimeSpan.FromSeconds(3));
        Assert.Equal("task 'worker' waits for 3 of 3: a (no answer for 4 s), b (accepted, waits for its turn, again after E: it is too warm), c (accepted, waits for its turn)", state.Waiting);
    }

    [Fact]
    public void What_was_accepted_runs_when_its_node_says_so_and_not_before()
    {
        Begin("a", "b");
        Accept("worker", "a", sent: 0);
        Accept("worker", "b", sent: 0);
        Progress("worker", "b", 0);
        Wait(TimeSpan.FromSeconds(4));
        Assert.Equal("task 'worker' waits for 2 of 2: a (accepted, waits for its turn), b (running, 0 %)", state.Waiting);
        Progress("worker", "a", 0);
        Wait(TimeSpan.FromSeconds(5));
        Assert.Equal("task 'worker' waits for 2 of 2: a (running, 0 %), b (running, 0 %)", state.Waiting);
    }

    [Fact]
    public void What_a_predecessor_had_sent_is_not_said_to_wait_since_it_may_have_begun()
    {
        Begin("a");
        var sent = Schedules("worker").Single().Message;
        TakeOver(StateView.Of(state));
        Step(new CoordinatorEvent.UpdateSeen(new TaskAccepted { From = "a", Incarnation = "first", Run = sent.Run, Round = sent.Round, Alias = sent.Alias, Attempt = sent.Attempt }));
        Wait(timing.RollCall);
        Wait(TimeSpan.FromSeconds(4));
        Assert.Equal("task 'worker' waits for 1 of 1: a (accepted)", state.Waiting);
    }

    [Fact]
    public void A_global_that_nobody_has_is_named_in_the_wait_and_in_the_reason_of_the_end()
    {
        var hash = new string('b', 64);
        Begin(Rounds("\"retries\": 0"), "a");
        Complete("worker", "a");
        var content = new ValueRef { Blob = new BlobRef { Sha256 = hash, Size = 1, ChunkSize = 1024, ChunkCount = 1, Format = "weights" } };
        Step(new CoordinatorEvent.UpdateSeen(Completed("aggregator", "a", 1) with { Globals = [new StagedGlobal { Tag = "model", Content = content }] }));
        Step(new CoordinatorEvent.GlobalMissed(hash, IsMissing: true));
        Wait(TimeSpan.FromSeconds(4));
        Assert.EndsWith("; global 'model' is lost unless a node that has it comes back: neither the broker nor any node that is there has it whole", state.Waiting, StringComparison.Ordinal);
        Step(new CoordinatorEvent.GlobalMissed(hash, IsMissing: false));
        Wait(TimeSpan.FromSeconds(6));
        Assert.DoesNotContain("lost", state.Waiting, StringComparison.Ordinal);
        Step(new CoordinatorEvent.GlobalMissed(hash, IsMissing: true));
        Fail("scheduler", "a");
        Assert.Contains("global 'model' is lost", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_many_nodes_the_most_interesting_are_named()
    {
        Begin([.. Enumerable.Range(0, 100).Select(i => $"n{i:00}")]);
        foreach (var node in state.Members.Keys.ToArray())
            Progress("worker", node, 0.5);
        Progress("worker", "n42", 0.1);
        Member("n99", NodeStatus.Offline);
        Wait(TimeSpan.FromSeconds(4));
        Assert.Equal("task 'worker' waits for 100 of 100: n99 (offline 4 s), n42 (running, 10 %), n00 (running, 50 %), n01 (running, 50 %), n02 (running, 50 %) and 95 more", state.Waiting);
    }

    [Fact]
    public void Short_tasks_are_published_as_often_as_there_is_something_to_commit()
    {
        Begin("a", "b");
        for (var round = 1; round <= 3; round++)
        {
            foreach (var alias in (string[])["worker", "aggregator", "scheduler"])
            {
                foreach (var node in state.Tasks[alias].Placed.Keys)
                {
                    Accept(alias, node, sent: 0);
                    Progress(alias, node, 0.5);
                    Wait(TimeSpan.FromSeconds(1));
                    Step(new CoordinatorEvent.UpdateSeen(Completed(alias, node, 1) with { Next = alias == "scheduler" ? new NextRequest() : null }));
                }
            }
        }
        // The begin, and three commits a round, the last of which begins the next round.
        Assert.Equal(1 + (3 * 3), States().Count);
        Assert.All(States(), s => Assert.Null(s.Waiting));
    }

    [Fact]
    public void The_words_are_renewed_every_five_seconds_at_most()
    {
        Begin("a");
        Accept("worker", "a", sent: 0);
        done.Clear();
        for (var i = 1; i <= 240; i++)
        {
            Progress("worker", "a", i / 240.0);
            Wait(TimeSpan.FromMilliseconds(250));
        }
        Assert.InRange(States().Count, 10, 13);
        Assert.Equal(States().Count, States().Select(s => s.Waiting).Distinct().Count());
    }

    [Fact]
    public void Words_that_stay_the_same_are_not_published_again()
    {
        Begin("a");
        Accept("worker", "a", sent: 0);
        Wait(TimeSpan.FromSeconds(4));
        done.Clear();
        for (var i = 0; i < 60; i++)
            Wait(TimeSpan.FromSeconds(1));
        Assert.Empty(done);
    }

    [Fact]
    public void A_commit_ends_the_wait_without_a_publish_of_its_own()
    {
        Begin("a");
        Wait(TimeSpan.FromSeconds(4));
        Assert.NotNull(state.Waiting);
        done.Clear();
        Complete("worker", "a");
        Assert.Null(Assert.Single(States()).Waiting);
    }

    [Fact]
    public void A_roll_call_says_so()
    {
        Begin("a");
        TakeOver(StateView.Of(state));
        Assert.StartsWith("the roll call", States()[^1].Waiting, StringComparison.Ordinal);
        Wait(timing.RollCall);
        Assert.Null(States()[^1].Waiting);
        Assert.Equal(2, States().Count);
    }

    [Fact]
    public void Too_few_nodes_are_counted_and_named_however_many_come_at_once()
    {
        var definition = Rounds("\"minimum_nodes\": 500");
        Begin(definition, "a");
        Assert.Equal("task 'worker' has 1 of 500 nodes: a", state.Waiting);
        for (var i = 0; i < 400; i++)
            Member($"n{i:000}");
        Assert.Single(States());
        Wait(TimeSpan.FromSeconds(5));
        Assert.Equal("task 'worker' has 401 of 500 nodes: a, n000, n001, n002, n003, …", state.Waiting);
        Assert.Equal(2, States().Count);
    }

    [Fact]
    public void A_thousand_failures_at_once_are_published_once_a_second()
    {
        Begin(Rounds("\"quorum\": 0.1"), [.. Enumerable.Range(0, 1000).Select(i => $"n{i:000}")]);
        foreach (var node in state.Members.Keys.ToArray())
            Accept("worker", node, sent: 0);
        done.Clear();
        foreach (var node in state.Members.Keys.ToArray())
            Fail("worker", node);
        Assert.InRange(States().Count, 0, 1);
        Wait(TimeSpan.FromSeconds(1));
        Assert.InRange(States().Count, 1, 2);
        Assert.Equal(16, States()[^1].Tasks[0].Troubles.Length);
    }

    private List<SwarmState> States() => [.. done.OfType<CoordinatorAction.PublishState>().Select(p => p.State)];
}
