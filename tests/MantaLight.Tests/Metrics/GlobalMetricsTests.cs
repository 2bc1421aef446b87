using System.Text.Json;
using MantaLight.Metrics;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;

namespace MantaLight.Tests.Metrics;

public sealed class GlobalMetricsTests
{
    [Fact]
    public async Task Means_go_by_samples_and_ratios_by_their_counts()
    {
        var metrics = await CollectAsync(new MemoryAttemptStore()
            .WithResult("b", "test_metrics", new { Accuracy = 0.5, Loss = 1.0, Samples = 10, Correct = 5, Top5 = 0.25, Sums = new { Top5 = new[] { 1.0, 4 } } })
            .WithResult("a", "test_metrics", new { Accuracy = 0.9, Loss = 0.2, Samples = 30, Correct = 27, Top5 = 0.75, Sums = new { Top5 = new[] { 12.0, 16 } } }));

        Assert.Equal(32 / 40.0, metrics.Values["accuracy"]);
        Assert.Equal(((0.2 * 30) + 10) / 40, metrics.Values["loss"], 12);
        // By 20 of whatever was counted, not by samples or nodes.
        Assert.Equal(13 / 20.0, metrics.Values["top5"]);
        Assert.Equal((2, 40.0), (metrics.Nodes, metrics.Samples));
        Assert.Equal((0.5, 0.9, 1.0, 0.2), (metrics.Values["worst_accuracy"], metrics.Values["best_accuracy"], metrics.Values["worst_loss"], metrics.Values["best_loss"]));
        Assert.Equal(0.2, metrics.Values["std_accuracy"], 12);
    }

    [Fact]
    public async Task Precision_comes_of_the_summed_counts_of_all_nodes()
    {
        var (one, other) = (ClassCounts.OfConfusion([[9, 0], [1, 0]]), ClassCounts.OfConfusion([[0, 0], [10, 0]]));
        var store = new MemoryAttemptStore();
        foreach (var (node, counts) in new[] { ("a", one), ("b", other) })
        {
            store.WithResult(node, "test_metrics", new { Accuracy = counts.MicroF1, Samples = counts.Samples, Correct = counts.Correct, MacroF1 = counts.MacroF1 })
                .WithResult(node, "test_classes", ClassReport.Of(counts));
        }

        var metrics = await CollectAsync(store, addTo: true);

        Assert.Equal(9 / 20.0 / 2, metrics.Values["macro_precision"]);
        Assert.Equal(9 / 20.0, metrics.Values["micro_f1"]);
        var told = (JsonElement)store.StagedResults["global_classes"];
        Assert.Equal("[[9,0],[11,0]]", told.GetProperty("confusion").GetRawText());
        var spread = ((JsonElement)store.StagedResults["global_metrics"]).GetProperty("spread")[0];
        Assert.Equal(("accuracy", "b"), (spread.GetProperty("metric").GetString(), spread.GetProperty("worst_node").GetString()));
    }

    [Fact]
    public async Task Without_the_counts_of_all_there_is_no_macro_average_of_all()
    {
        var metrics = await CollectAsync(new MemoryAttemptStore()
            .WithResult("a", "test_metrics", new { Accuracy = 0.5, MacroF1 = 0.5, Samples = 2 }).WithResult("a", "test_classes", ClassReport.Of(ClassCounts.OfConfusion([[1, 1], [0, 0]])))
            .WithResult("b", "test_metrics", new { Accuracy = 0.5, MacroF1 = 0.7, Samples = 2 }));

        Assert.False(metrics.Values.ContainsKey("macro_f1"));
    }

    [Fact]
    public async Task What_a_node_cannot_have_measured_is_left_out()
    {
        var metrics = await CollectAsync(new MemoryAttemptStore()
            .WithResult("a", "test_metrics", new { Accuracy = 0.5, Samples = 10 })
            .WithResult("b", "test_metrics", new { Accuracy = 0.9, Samples = -10 })
            .WithResult("c", "test_metrics", JsonElement.Parse("""{"accuracy":1e300,"samples":10}"""u8))
            .WithResult("d", "test_metrics", new { Accuracy = 1.0 })
            .WithResult("e", "test_metrics", 7)
            .WithResult("f", "test_metrics", new { Accuracy = 0.7, Samples = 10, Correct = 11 }));

        Assert.Equal(0.6, metrics.Values["accuracy"], 12);
        Assert.Equal(2, metrics.Nodes);
    }

    [Fact]
    public async Task The_order_of_arrival_does_not_show()
    {
        (string, object)[] tests = [.. Enumerable.Range(0, 7).Select(n => ($"node_{n}", (object)new { Loss = 1 / (n + 3.0), Samples = n + 1 }))];
        double[] values = [await LossAsync(tests), await LossAsync(tests.Reverse())];

        Assert.Equal(BitConverter.DoubleToInt64Bits(values[0]), BitConverter.DoubleToInt64Bits(values[1]));

        static async Task<double> LossAsync(IEnumerable<(string Node, object Metrics)> tests)
        {
            var store = new MemoryAttemptStore();
            foreach (var (node, metrics) in tests)
                store.WithResult(node, "test_metrics", metrics);
            return (await CollectAsync(store)).Values["loss"];
        }
    }

    [Theory]
    [InlineData("accuracy")]
    [InlineData("Top5")]
    [InlineData("5th")]
    public void A_metric_of_ones_own_has_a_name_that_is_free(string name) => Assert.Throws<TaskContractException>(() => new MetricSums().Add(name, 1, 1));

    [Theory]
    [InlineData(double.NaN, 1)]
    [InlineData(1, double.PositiveInfinity)]
    [InlineData(1, -1)]
    public void A_sum_is_finite_and_a_count_at_least_zero(double sum, double count) => Assert.Throws<TaskContractException>(() => new MetricSums().Add("top5", sum, count));

    private static async Task<GlobalMetrics> CollectAsync(MemoryAttemptStore store, bool addTo = false)
    {
        var world = new World(new Globals(store), new Results(store), store.Requests);
        var metrics = (await GlobalMetrics.CollectAsync(world, TestContext.Current.CancellationToken))!;
        if (addTo)
            metrics.AddTo(world);
        return metrics;
    }
}
