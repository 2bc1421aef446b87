using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>Results that were reported and that nobody can fetch any more.</summary>
public sealed class MissingInputTests : CoordinatorDriver
{
    private const string Hash = "00000000000000000000000000000000000000000000000000000000000000b1";

    [Fact]
    public void What_cannot_be_fetched_is_made_again_by_its_node_and_only_by_it()
    {
        Begin("a", "b");
        CompleteWorkers();
        FailAggregator("b");
        Assert.Equal([1, 1, 2], Schedules("worker").Select(s => s.Message.Number));
        Assert.Equal("b", Schedules("worker")[^1].Node);
        Assert.Single(Schedules("aggregator"));
        Assert.Equal(Schedules("worker").First(s => s.Node == "b").Message.Seed, Schedules("worker")[^1].Message.Seed);

        Step(new CoordinatorEvent.UpdateSeen(Work("b")));
        Assert.Equal(2, Schedules("aggregator").Count);
        Assert.Equal(["a", "b"], Schedules("aggregator")[^1].Message.Inputs.Select(i => i.Node));
    }

    [Fact]
    public void A_node_that_reports_and_never_serves_is_left_out_at_last_and_named()
    {
        Begin(Rounds("\"quorum\": 0.5, \"retries\": 1"), "a", "b");
        CompleteWorkers();
        FailAggregator("b");
        Step(new CoordinatorEvent.UpdateSeen(Work("b")));
        FailAggregator("b");
        Assert.Equal(["a"], Schedules("aggregator")[^1].Message.Inputs.Select(i => i.Node).Distinct());
        Assert.Equal(3, Schedules("worker").Count);
        Complete("aggregator", Host("aggregator"));
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", Host("scheduler"), 1) with { Next = new NextRequest() }));
        var left = Assert.Single(state.History[^1].LeftOut);
        Assert.Equal(("b", "worker: its result could not be fetched"), (left.Node, left.Reason));
    }

    [Fact]
    public void Who_was_late_and_makes_a_result_again_is_waited_for_as_the_others_are()
    {
        Begin(Rounds("\"quorum\": 0.5, \"retries\": 1"), "a", "b", "c", "d");
        Wait(TimeSpan.FromMinutes(5));
        Step(new CoordinatorEvent.UpdateSeen(Work("a")));
        Step(new CoordinatorEvent.UpdateSeen(Work("b")));
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
        FailAggregator("a");
        var again = state.Tasks["worker"].Placed["a"];
        Assert.Equal((AttemptPhase.Scheduled, false), (again.Phase, again.IsLate));
    }

    [Fact]
    public void A_word_about_something_that_nobody_reported_is_an_ordinary_failure()
    {
        Begin("a", "b");
        CompleteWorkers();
        FailAggregator("c");
        Assert.Equal(2, Schedules("worker").Count);
        Assert.Equal(2, Schedules("aggregator").Count);
    }

    private void CompleteWorkers()
    {
        Step(new CoordinatorEvent.UpdateSeen(Work("a")));
        Step(new CoordinatorEvent.UpdateSeen(Work("b")));
    }

    private TaskCompleted Work(string node) => Completed("worker", node, 1) with
    {
        Results = [new StagedResult { Tag = "model", Samples = 1, Content = new ValueRef { Blob = new BlobRef { Sha256 = Hash, Size = 2000, ChunkSize = 1024, ChunkCount = 2, Format = "weights" } } }],
    };

    private void FailAggregator(string missing)
    {
        var attempt = state.Tasks["aggregator"].Placed.Values.Single();
        Step(new CoordinatorEvent.UpdateSeen(new TaskFailed
        {
            From = attempt.Node, Incarnation = "first", Run = state.Run.ToString(), Round = state.Round, Alias = "aggregator", Attempt = attempt.Id,
            Error = "BlobUnavailableException", Message = "nobody serves it", Missing = [new MissingResult { Node = missing, Sha256 = Hash }],
        }));
    }
}
