using MantaLight.Metrics;

namespace MantaLight.Tests.Metrics;

public sealed class NodeSpreadTests
{
    [Fact]
    public void Deciles_and_deviation_are_those_of_numpy()
    {
        // numpy.quantile([0.5, 0.6, 0.8, 0.9], numpy.arange(11) / 10) and numpy.std.
        var spread = NodeSpread.Of("test_metrics.accuracy", [("c", 0.8), ("a", 0.5), ("b", 0.9), ("d", 0.6)])!;

        Assert.Equal(new[] { 0.5, 0.53, 0.56, 0.59, 0.64, 0.7, 0.76, 0.81, 0.84, 0.87, 0.9 }, spread.Deciles, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(0.15811388300841897, spread.StandardDeviation, 12);
        Assert.Equal(("a", 0.5, 4), (spread.WorstNode, spread.Worst, spread.Nodes));
    }

    [Theory]
    [InlineData("test_metrics.accuracy", "b", 1)]
    [InlineData("test_metrics.loss", "a", 3)]
    [InlineData("mean_absolute_error", "a", 3)]
    public void The_worst_is_the_least_or_of_a_loss_the_largest(string metric, string node, double worst)
    {
        var spread = NodeSpread.Of(metric, [("c", 3), ("a", 3), ("b", 1)])!;

        Assert.Equal((node, worst), (spread.WorstNode, spread.Worst));
    }

    [Fact]
    public void One_node_has_no_spread() => Assert.Null(NodeSpread.Of("loss", [("a", 1)]));

    [Fact]
    public void The_largest_that_may_be_told_has_a_finite_deviation() =>
        Assert.True(double.IsFinite(NodeSpread.Of("loss", [("a", NodeSpread.Largest), ("b", -NodeSpread.Largest)])!.StandardDeviation));
}
