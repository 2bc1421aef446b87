using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>Nodes that are chosen for a task and find that they lack what it needs: a data set, a type of the module.</summary>
public sealed class UnfitNodeTests : CoordinatorDriver
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    [Fact]
    public void A_task_that_any_node_can_do_goes_to_another_one_at_once_and_costs_no_retry()
    {
        Begin(Rounds("\"retries\": 0"), "a", "b", "c");
        Complete("worker", "a", "b", "c");
        var first = Host("aggregator");
        Lack("aggregator", first);
        var second = Host("aggregator");
        Assert.NotEqual(first, second);
        Assert.Equal(second, Schedules("aggregator")[^1].Node);
        Assert.Equal($"DatasetException: no on {first}", state.Tasks["aggregator"].Placed[second].Trouble);
        Complete("aggregator", second);
        Assert.Equal(TaskPhase.Committed, state.Tasks["aggregator"].Phase);
    }

    [Fact]
    public void Where_every_node_lacks_it_the_run_ends_after_each_has_tried_once()
    {
        Begin(Rounds("\"retries\": 5"), "a", "b", "c");
        Complete("worker", "a", "b", "c");
        for (var i = 0; i < 3; i++)
            Lack("aggregator", Host("aggregator"));
        Assert.Equal(["a", "b", "c"], Schedules("aggregator").Select(s => s.Node).Order());
        Assert.Equal(RunStatus.Failed, state.Status);
        Assert.Contains("task 'aggregator': 0 of 1 nodes completed where 1 are needed", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Whoever_was_started_anew_may_have_it_now()
    {
        Begin(Rounds("\"retries\": 0"), "a", "b");
        Complete("worker", "a", "b");
        var first = Host("aggregator");
        Lack("aggregator", first);
        var second = Host("aggregator");
        Member(first, incarnation: "second");
        Lack("aggregator", second);
        Assert.Equal(first, Host("aggregator"));
        Assert.Equal(RunStatus.Running, state.Status);
    }

    [Fact]
    public void Whoever_is_away_and_has_it_is_waited_for_until_the_deadline()
    {
        Begin(Rounds("\"retries\": 0"), "a", "b");
        Complete("worker", "a", "b");
        var host = Host("aggregator");
        var other = host == "a" ? "b" : "a";
        Member(other, NodeStatus.Offline);
        Lack("aggregator", host);
        Assert.Equal((RunStatus.Running, other), (state.Status, Host("aggregator")));
        Member(other, incarnation: "second");
        Wait(timing.RollCall);
        Complete("aggregator", other);
        Assert.Equal(TaskPhase.Committed, state.Tasks["aggregator"].Phase);
    }

    [Fact]
    public void Whoever_is_away_and_does_not_come_is_not_waited_for_longer()
    {
        Begin(Rounds("\"retries\": 0"), "a", "b");
        Complete("worker", "a", "b");
        var host = Host("aggregator");
        Member(host == "a" ? "b" : "a", NodeStatus.Offline);
        Lack("aggregator", host);
        Wait(Deadline);
        Assert.Equal(RunStatus.Failed, state.Status);
        Assert.Contains($"DatasetException: no on {host}, and the deadline of 00:05:00 passed", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void With_wait_all_are_tried_anew_at_the_deadline()
    {
        Begin(Rounds("\"retries\": 0, \"on_shortfall\": \"wait\""), "a", "b");
        Complete("worker", "a", "b");
        Lack("aggregator", Host("aggregator"));
        Lack("aggregator", Host("aggregator"));
        Assert.Equal(RunStatus.Running, state.Status);
        done.Clear();
        Wait(Deadline);
        var again = Assert.Single(Schedules("aggregator")).Node;
        Lack("aggregator", again);
        Assert.NotEqual(again, Host("aggregator"));
    }

    [Fact]
    public void A_task_for_all_nodes_goes_on_without_the_one_that_lacks_it_where_the_quorum_allows()
    {
        Begin(Rounds("\"quorum\": 0.5"), "a", "b");
        Lack("worker", "b");
        Complete("worker", "a");
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
        Assert.Equal("b", Assert.Single(StateView.Of(state).Tasks[0].Troubles).Node);
    }

    private void Lack(string alias, string node) => Step(new CoordinatorEvent.UpdateSeen(new TaskFailed
    {
        From = node, Incarnation = "first", Run = state.Run.ToString(), Round = state.Round, Alias = alias, Attempt = state.Tasks[alias].Placed[node].Id,
        Error = "DatasetException", Message = "no", Retryable = false, Local = true,
    }));
}
