using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>Which version of a global a task reads, whatever has been committed by the time that it is scheduled.</summary>
public sealed class VisibleGlobalsTests : CoordinatorDriver
{
    private const string Fork = """
        , { "alias": "audit", "type": "U", "after": ["worker"] }, { "alias": "report", "type": "R", "after": ["audit"] }
        """;

    private static SwarmDefinition Forked => Rounds("\"retries\": 1", Fork);

    [Fact]
    public void A_task_reads_what_the_tasks_before_it_have_set()
    {
        Begin(Forked, "a");
        Complete("worker", "a");
        Set("aggregator", "g", '1');
        Assert.Equal(Hash('1'), Read("scheduler"));
    }

    [Fact]
    public void What_a_task_beside_it_has_set_it_does_not_read_also_where_that_was_faster()
    {
        SecondRound();
        Set("aggregator", "g", '2');
        Complete("audit", "a");
        Assert.Equal((Hash('1'), Hash('2')), (Read("report"), Read("scheduler")));
    }

    [Fact]
    public void A_global_that_a_task_beside_it_has_set_for_the_first_time_is_not_there()
    {
        Begin(Forked, "a");
        Complete("worker", "a");
        Set("aggregator", "g", '1');
        Complete("audit", "a");
        Assert.Null(Read("report"));
    }

    [Fact]
    public void Results_are_made_again_with_the_globals_that_they_were_made_with()
    {
        SecondRound();
        Set("aggregator", "g", '2');
        LoseInputOf("audit");
        Assert.Equal((2, Hash('1')), (Schedules("worker")[^1].Message.Number, Read("worker")));
    }

    [Fact]
    public void A_successor_knows_what_the_round_has_replaced()
    {
        SecondRound();
        Set("aggregator", "g", '2');
        Complete("audit", "a");
        TakeOver(StateView.Of(state));
        Wait(timing.RollCall);
        Wait(timing.Patience);
        Assert.Equal(Hash('1'), Read("worker"));
    }

    [Fact]
    public void The_next_round_reads_the_last_version_and_what_it_replaced_is_cleared()
    {
        SecondRound();
        Set("aggregator", "g", '2');
        Finish();
        Assert.Equal((3, Hash('2')), (state.Round, Read("worker")));
        Assert.Empty(state.Replaced);
        Assert.Equal(Hash('1'), Assert.Single(done.OfType<CoordinatorAction.ClearBlob>()).Blob.Sha256);
    }

    [Fact]
    public void A_replaced_global_that_nobody_has_is_named_while_a_task_that_reads_it_runs_and_no_longer()
    {
        SecondRound();
        Set("aggregator", "g", '2');
        Complete("audit", "a");
        Step(new CoordinatorEvent.GlobalMissed(Hash('1'), IsMissing: true));
        Wait(TimeSpan.FromSeconds(4));
        Assert.EndsWith("; global 'g' is lost unless a node that has it comes back: neither the broker nor any node that is there has it whole", state.Waiting, StringComparison.Ordinal);
        Complete("report", "a");
        Wait(TimeSpan.FromSeconds(6));
        // The scheduler reads what has taken its place.
        Assert.StartsWith("task 'scheduler' waits for", state.Waiting, StringComparison.Ordinal);
        Assert.DoesNotContain("lost", state.Waiting, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RunStatus.Failed, 0)]
    [InlineData(RunStatus.Superseded, 1)]
    public void What_the_round_may_read_again_is_kept_where_the_run_may_go_on(RunStatus end, int cleared)
    {
        SecondRound();
        Set("aggregator", "g", '2');
        Step(new CoordinatorEvent.RunEnded(end, "the test"));
        Assert.Equal(cleared, done.OfType<CoordinatorAction.ClearBlob>().Count());
        Assert.Equal(1 - cleared, StateView.Of(state).Replaced.Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData(", \"on_shortfall\": \"wait\"")]
    [InlineData(", \"on_shortfall\": \"skip\"")]
    public void Two_tasks_of_which_neither_comes_after_the_other_may_not_set_one_global(string policy)
    {
        Begin(Rounds($"\"retries\": 1{policy}", Fork), "a");
        Complete("worker", "a");
        Set("aggregator", "g", '1');
        Set("audit", "g", '2');
        Assert.Equal(RunStatus.Failed, state.Status);
        Assert.Contains("task 'audit' sets global 'g', as task 'aggregator' of this round has done, and neither comes after the other", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void One_task_may_set_what_another_one_before_it_has_set()
    {
        Begin(Forked, "a");
        Complete("worker", "a");
        Set("audit", "g", '1');
        Set("report", "g", '2');
        Assert.Equal((2, Hash('2')), (state.Globals["g"].Version, state.Globals["g"].Content.Blob!.Sha256));
    }

    private static string Hash(char digit) => new(digit, 64);

    /// <summary>A first round that has set the global, and a second one in which the workers have completed.</summary>
    private void SecondRound()
    {
        Begin(Forked, "a");
        Complete("worker", "a");
        Set("aggregator", "g", '1');
        Finish();
        done.Clear();
        Assert.Equal(2, state.Round);
        Step(new CoordinatorEvent.UpdateSeen(Completed("worker", "a", 1) with { Results = [new StagedResult { Tag = "model", Samples = 1, Content = Blob('5') }] }));
    }

    private void Finish()
    {
        if (state.Tasks["audit"].Phase != TaskPhase.Committed)
            Complete("audit", "a");
        Complete("report", "a");
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", "a", 1) with { Next = new NextRequest() }));
    }

    private void Set(string alias, string tag, char digit) => Step(new CoordinatorEvent.UpdateSeen(
        Completed(alias, "a", 1) with { Globals = [new StagedGlobal { Tag = tag, Content = Blob(digit) }] }));

    private void LoseInputOf(string alias) => Step(new CoordinatorEvent.UpdateSeen(new TaskFailed
    {
        From = "a", Incarnation = "first", Run = state.Run.ToString(), Round = state.Round, Alias = alias, Attempt = state.Tasks[alias].Placed["a"].Id,
        Error = "BlobUnavailableException", Message = "nobody serves it", Missing = [new MissingResult { Node = "a", Sha256 = Hash('5') }],
    }));

    private static ValueRef Blob(char digit) => new()
    {
        Blob = new BlobRef { Sha256 = Hash(digit), Size = 2000, ChunkSize = 1024, ChunkCount = 2, Format = ValueFormat.Weights },
    };

    /// <summary>The version that the task's last schedule message names.</summary>
    private string? Read(string alias) => Schedules(alias)[^1].Message.Globals.FirstOrDefault(g => g.Tag == "g")?.Content.Blob!.Sha256;
}
