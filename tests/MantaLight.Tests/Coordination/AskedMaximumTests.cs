using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>How many nodes a request wants, and who takes the place of those that are away.</summary>
public sealed class AskedMaximumTests : CoordinatorDriver
{
    [Fact]
    public void Named_nodes_come_first_and_others_take_the_place_of_who_has_gone()
    {
        Begin("a", "b", "c", "d");
        Member("b", NodeStatus.Offline);
        FinishRound(new NextRequest { Nodes = ["b", "d"], Maximum = 2 }, "a", "c", "d", "b");
        Assert.Equal(2, state.Round);
        Assert.Equal(2, state.Tasks["worker"].Placed.Count);
        Assert.Contains("d", state.Tasks["worker"].Placed.Keys);
        Assert.DoesNotContain("b", state.Tasks["worker"].Placed.Keys);
    }

    [Fact]
    public void A_part_of_all_are_those_that_a_maximum_of_the_definition_would_choose()
    {
        string[] nodes = [.. Enumerable.Range(0, 20).Select(n => $"node_{n:00}")];
        Begin(Definition(), nodes);
        FinishRound(new NextRequest { Maximum = 0.25 }, nodes);
        var asked = state.Tasks["worker"].Placed.Keys.ToArray();

        Begin(Definition() with { Tasks = [.. Definition().Tasks.Select(t => t.Alias == "worker" ? t with { Maximum = new TaskMaximum(0, 0.25) } : t)] }, nodes);
        FinishRound(new NextRequest(), nodes);

        Assert.Equal(5, asked.Length);
        Assert.Equal(asked, state.Tasks["worker"].Placed.Keys);
    }

    [Fact]
    public void The_definitions_maximum_is_not_exceeded()
    {
        Begin(Definition() with { Tasks = [.. Definition().Tasks.Select(t => t.Alias == "worker" ? t with { Maximum = new TaskMaximum(2, 0) } : t)] }, "a", "b", "c", "d");
        FinishRound(new NextRequest { Nodes = ["d", "c", "a"], Maximum = 3 }, "a", "b", "c", "d");
        Assert.Equal(["c", "d"], state.Tasks["worker"].Placed.Keys);
    }

    [Fact]
    public void A_successor_goes_on_with_what_was_asked_and_with_the_seconds()
    {
        Begin("a", "b", "c");
        now += TimeSpan.FromSeconds(7);
        FinishRound(new NextRequest { Nodes = ["c"], Maximum = 1 }, "a", "b", "c");
        var retained = done.OfType<CoordinatorAction.PublishState>().Last().State;
        Assert.Equal((1.0, 7.0), (retained.FromMaximum, retained.Seconds));

        TakeOver(retained);
        Wait(timing.RollCall + timing.Patience);
        now += TimeSpan.FromSeconds(5);
        FinishRound("c");
        Assert.Equal((3, 1), (state.Round, state.Tasks["worker"].Placed.Count == 3 ? 1 : 0));
        Assert.True(state.Seconds > 12);
    }

    [Fact]
    public void The_scheduler_is_told_what_the_run_has_taken_and_who_could_go_on()
    {
        var definition = Definition();
        Begin(definition with { Tasks = [.. definition.Tasks.Select(t => t.Alias == "scheduler" ? t with { Options = JsonElement.Parse("""{"select":"random 1"}"""u8) } : t)] }, "a", "b");
        Accept("worker", "a", sent: 100);
        Accept("worker", "a", sent: 350);
        now += TimeSpan.FromSeconds(3);
        Complete("worker", "a", "b");
        Assert.All(Schedules("worker"), s => Assert.Null(s.Message.Spent ?? (object?)s.Message.Candidates));
        Complete("aggregator", Host("aggregator"));
        var told = Assert.Single(Schedules("scheduler")).Message;
        Assert.Equal(["a", "b"], told.Candidates!.Value.AsEnumerable());
        Assert.Equal((3.0, 250L), (told.Spent!.Seconds, told.Spent.Bytes));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1.5)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    public void A_record_that_asks_for_no_number_of_nodes_is_refused(double maximum)
    {
        Begin("a");
        FinishRound(new NextRequest { Maximum = maximum }, "a");
        Assert.Equal(1, state.Round);
    }

    [Fact]
    public void Of_tests_a_rounds_summary_tells_how_far_apart_the_nodes_are()
    {
        Begin("a", "b", "c");
        foreach (var (node, accuracy) in new[] { ("c", 0.9), ("a", 0.7), ("b", 0.8) })
        {
            var metrics = JsonSerializer.SerializeToElement(new Dictionary<string, double> { ["accuracy"] = accuracy, ["samples"] = 10 });
            Step(new CoordinatorEvent.UpdateSeen(Completed("worker", node, 1) with { Results = [new StagedResult { Tag = "test_metrics", Content = new ValueRef { Value = metrics } }] }));
        }
        FinishRound();
        var spread = Assert.Single(state.History.Single().Spread!.Value);
        Assert.Equal(("test_metrics.accuracy", 3, "a", 0.7, 0.081650), (spread.Metric, spread.Nodes, spread.WorstNode, spread.Worst, spread.StandardDeviation));
        Assert.Equal(ImmutableArray.Create(0.7, 0.72, 0.74, 0.76, 0.78, 0.8, 0.82, 0.84, 0.86, 0.88, 0.9).AsEnumerable(), spread.Deciles);
    }
}
