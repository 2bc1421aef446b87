using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;

namespace MantaLight.Tests.Aggregation;

public sealed class ThresholdSchedulerTests
{
    [Fact]
    public async Task An_accuracy_that_reaches_the_hyper_parameters_threshold_stops_the_swarm()
    {
        var store = Store(("a", new { Accuracy = 0.9812, Samples = 100 })).WithGlobal("hyperparameters", new { ValAccThreshold = 0.98 });

        await store.RunAsync(new ThresholdScheduler());

        Assert.Equal(new RoundRequest(Stop: true, Converged: true, "accuracy 0.9812 reached 0.98", null, null), store.Requests.Request);
        Assert.Equal(
            """{"continue":false,"reason":"accuracy 0.9812 reached 0.98","metric":"test_metrics.accuracy","value":0.9812,"threshold":0.98}""",
            store.StagedResults["decision"].ToString());
    }

    [Theory]
    [InlineData(0.9812, 3)]
    [InlineData(0.1, 7)]
    public async Task A_threshold_that_every_node_reaches_exactly_is_reached(double accuracy, int samples)
    {
        var store = Store([.. Enumerable.Range(0, 9).Select(i => ($"node_{i}", (object)new { Accuracy = accuracy, Samples = samples + i }))]);

        await store.RunAsync(new ThresholdScheduler(), new { Threshold = accuracy });

        Assert.True(store.Requests.Request!.Stop);
    }

    [Fact]
    public async Task One_below_it_asks_for_another_round()
    {
        var store = Store(("a", new { Accuracy = 0.9 })).WithGlobal("hyperparameters", new { ValAccThreshold = 0.98 });

        await store.RunAsync(new ThresholdScheduler());

        Assert.Equal(new RoundRequest(Stop: false, Converged: false, "accuracy 0.9 has not reached 0.98", null, null), store.Requests.Request);
        Assert.Equal("accuracy 0.9 has not reached 0.98", ReasonIn(store));
    }

    [Fact]
    public async Task Nodes_weigh_by_their_samples()
    {
        var store = Store(("a", new { Accuracy = 1.0, Samples = 30 }), ("b", new { Accuracy = 0.5, Samples = 10 }));

        await store.RunAsync(new ThresholdScheduler(), new { Threshold = 0.875 });

        Assert.Equal("accuracy 0.875 reached 0.875", ReasonIn(store));
    }

    [Fact]
    public async Task Without_samples_all_nodes_weigh_the_same()
    {
        var store = Store(("a", new { Accuracy = 1.0 }), ("b", new { Accuracy = 0.5 }));

        await store.RunAsync(new ThresholdScheduler(), new { Threshold = 0.8 });

        Assert.Equal("accuracy 0.75 has not reached 0.8", ReasonIn(store));
    }

    [Fact]
    public async Task Nodes_without_a_usable_number_are_left_out()
    {
        var store = Store(
            ("a", new { Accuracy = 0.8, Samples = 10 }),
            ("b", new { Loss = 1.0, Samples = 10 }),
            ("c", new { Accuracy = "high", Samples = 10 }),
            ("d", JsonElement.Parse("""{"accuracy":1e999,"samples":10}"""u8)),
            ("e", new { Accuracy = 0.1, Samples = -10 }),
            ("f", new { Accuracy = 0.1 }),
            ("g", 7),
            ("h", new { Accuracy = 0.1, Samples = 0 }));

        await store.RunAsync(new ThresholdScheduler(), new { Threshold = 0.8 });

        Assert.Equal("accuracy 0.8 reached 0.8", ReasonIn(store));
    }

    [Fact]
    public async Task No_usable_number_at_all_fails_and_says_how_a_metric_is_named()
    {
        var error = await Assert.ThrowsAsync<TaskContractException>(() => Store(("a", new { Loss = 1 })).RunAsync(new ThresholdScheduler()));

        Assert.Equal(
            "ThresholdScheduler finds no number 'test_metrics.accuracy' among the 1 results 'test_metrics' of the tasks before 'task'. Name the metric as TAG.KEY in the option 'metric'.",
            error.Message);
    }

    [Fact]
    public async Task A_metric_can_be_nested_and_reach_its_threshold_from_above()
    {
        var store = new MemoryAttemptStore().WithResult("a", "report", new { Samples = 3, Test = new { Loss = 0.05 } });

        await store.RunAsync(new ThresholdScheduler(), new { Metric = "report.test.loss", Threshold = 0.1, Goal = "at_most" });

        Assert.Equal("loss 0.05 reached 0.1", store.Requests.Request!.Reason);
    }

    [Fact]
    public async Task Without_a_threshold_rounds_go_on()
    {
        var store = Store(("a", new { Accuracy = 1.0 })).WithGlobal("hyperparameters", new { Lr = 0.1 });

        await store.RunAsync(new ThresholdScheduler());

        Assert.False(store.Requests.Request!.Stop);
        Assert.Equal("accuracy 1 has no threshold to reach", ReasonIn(store));
    }

    [Fact]
    public async Task The_option_wins_over_the_hyper_parameters()
    {
        var store = Store(("a", new { Accuracy = 0.5 })).WithGlobal("hyperparameters", new { ValAccThreshold = 0.98 });

        await store.RunAsync(new ThresholdScheduler(), new { Threshold = 0.5 });

        Assert.True(store.Requests.Request!.Stop);
    }

    [Fact]
    public async Task A_threshold_that_is_no_number_fails()
    {
        var store = Store(("a", new { Accuracy = 0.5 })).WithGlobal("hyperparameters", new { ValAccThreshold = "high" });

        var error = await Assert.ThrowsAsync<TaskContractException>(() => store.RunAsync(new ThresholdScheduler()));

        Assert.Contains("val_acc_threshold", error.Message, StringComparison.Ordinal);
    }

    private static MemoryAttemptStore Store(params (string Node, object Metrics)[] nodes)
    {
        var store = new MemoryAttemptStore();
        foreach (var (node, metrics) in nodes)
            store.WithResult(node, "test_metrics", metrics);
        return store;
    }

    private static string ReasonIn(MemoryAttemptStore store) =>
        ((JsonElement)store.StagedResults["decision"]).GetProperty("reason").GetString()!;
}
