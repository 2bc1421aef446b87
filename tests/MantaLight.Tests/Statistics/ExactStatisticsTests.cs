using System.Text.Json;
using MantaLight.Statistics;
using MantaLight.Tasks;

namespace MantaLight.Tests.Statistics;

/// <summary>Statistics of all nodes' rows are those of the rows laid together, which no one node has.</summary>
public sealed class ExactStatisticsTests
{
    private const string All = """{ "histogram": 20, "quantiles": [0.01, 0.25, 0.5, 0.75, 0.99], "quantile_cells": 10, "quantile_rounds": 6 }""";

    [Fact]
    public async Task Moments_and_histograms_are_those_of_the_union()
    {
        using var federation = new Federation([300, 20, 1, 500]);

        var statistics = await federation.RunAsync(All);

        double[] ages = [.. federation.Rows.Select(r => r.Age)];
        var (age, mean) = (statistics.Columns["age"], ages.Average());
        Assert.Equal((821, 4), ((int)age.Count!, statistics.Nodes));
        Assert.Equal(mean, age.Mean!.Value, 1e-12 * mean);
        Assert.Equal(ages.Average(a => (a - mean) * (a - mean)), age.Variance!.Value, 1e-9);
        Assert.Equal(Math.Sqrt(age.Variance.Value), age.Deviation);
        Assert.Equal(Enumerable.Range(0, 20).Select(b => (long)ages.Count(a => a >= 5 * b && (a < 5 * (b + 1) || (b == 19 && a == 100)))), age.Histogram);
        Assert.Equal(Enumerable.Range(0, 3).Select(w => (long)federation.Rows.Count(r => r.Ward == w)), statistics.Columns["ward"].Histogram);
        Assert.Null(statistics.Columns["ward"].Mean);
        Assert.Null(statistics.Privacy);
        Assert.Null(age.MeanError);
    }

    [Theory]
    [InlineData("age")]
    [InlineData("stay")]
    public async Task Quantiles_lie_in_an_interval_that_each_round_makes_smaller(string column)
    {
        using var federation = new Federation([300, 20, 1, 500]);
        double[] sorted = [.. federation.Rows.Select(r => column == "age" ? r.Age : r.Stay).Order()];

        var statistics = await federation.RunAsync(All);

        Assert.All(statistics.Columns[column].Quantiles!, quantile =>
        {
            // numpy.quantile(…, method="inverted_cdf")
            var exact = sorted[(int)Math.Ceiling(quantile.Q * sorted.Length) - 1];
            Assert.InRange(exact, quantile.Low, quantile.High);
            Assert.InRange(quantile.Value, quantile.Low, quantile.High);
            Assert.True(quantile.High - quantile.Low <= (column == "age" ? 100 : 60) * 1.01e-6, $"{quantile}");
        });
    }

    [Fact]
    public async Task The_order_of_arrival_does_not_show()
    {
        using var federation = new Federation([40, 30, 20, 10]);
        var told = new List<(string, JsonElement)>();
        for (var n = 0; n < 4; n++)
            told.Add((Federation.Node(n), (await federation.MeasureAsync(n, All))!.Value));

        var (forward, _) = await federation.CombineAsync(All, null, told);
        var (backward, _) = await federation.CombineAsync(All, null, Enumerable.Reverse(told));

        Assert.Equal(forward.GetRawText(), backward.GetRawText());
    }

    [Fact]
    public async Task When_all_is_known_nobody_tells_anything_more()
    {
        using var federation = new Federation([10, 10]);
        var done = TaskJson.Write(await federation.RunAsync("{}"));

        Assert.Null(await federation.MeasureAsync(0, "{}", done));
    }

    [Theory]
    [InlineData("stage", "1", "stage 1 where 0")]
    [InlineData("attempt", "0", "attempt 0")]
    [InlineData("columns.age.count", "-1", "moments of column 'age'")]
    [InlineData("columns.age.mean", "1e200", "moments of column 'age'")]
    [InlineData("columns.age.squares", "-1", "moments of column 'age'")]
    [InlineData("columns.age.cells", "[1]", "cells of column 'age'")]
    [InlineData("columns.ward.histogram", "[1,2,-3]", "histogram of column 'ward'")]
    [InlineData("columns.ward.histogram", "null", "histogram of column 'ward'")]
    [InlineData("columns", "{}", "nothing of column 'age'")]
    [InlineData("columns", "null", "nothing of column 'age'")]
    [InlineData("columns.age.mean", "\"x\"", "not a Measurement")]
    public async Task What_a_node_cannot_have_measured_is_left_out(string path, string value, string why)
    {
        using var federation = new Federation([10, 10]);
        var good = (await federation.MeasureAsync(0, All))!.Value;
        var bad = System.Text.Json.Nodes.JsonNode.Parse(good.GetRawText())!;
        var keys = path.Split('.');
        var parent = keys[..^1].Aggregate(bad, (node, key) => node[key]!);
        parent[keys[^1]] = System.Text.Json.Nodes.JsonNode.Parse(value);
        var spoilt = JsonElement.Parse(bad.ToJsonString());

        var (statistics, _) = await federation.CombineAsync(All, null, [("node_0", good), ("node_1", spoilt)]);
        var refused = await Assert.ThrowsAsync<TaskContractException>(() => federation.CombineAsync(All, null, [("node_1", spoilt)]));

        Assert.Equal(1, statistics.GetProperty("nodes").GetInt32());
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "columns": ["wards"] }""", "did you mean 'ward'")]
    [InlineData("""{ "columns": ["ward"] }""", "ask for nothing")]
    [InlineData("""{ "quantiles": [1] }""", "above 0 and below 1")]
    [InlineData("""{ "histogram": 1 }""", "histogram is 1")]
    [InlineData("""{ "moments": false }""", "nothing is wanted")]
    [InlineData("""{ "privacy": { "epsilon": 0 } }""", "privacy.epsilon is 0")]
    [InlineData("""{ "privacy": { "epsilon": 2, "budget": 1 } }""", "below epsilon")]
    [InlineData("""{ "privacy": { "epsilon": 0.000001 } }""", "too little for 6 statistics")]
    [InlineData("""{ "median": true }""", "median")]
    public async Task Measures_that_cannot_be_are_refused(string measures, string message)
    {
        using var federation = new Federation([10]);
        var refused = await Assert.ThrowsAsync<TaskContractException>(() => federation.MeasureAsync(0, measures));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "quantiles": [0.5] }""")]
    [InlineData("""{ "histogram": 5 }""")]
    [InlineData("""{ "privacy": { "epsilon": 1 } }""")]
    public async Task What_needs_bounds_asks_for_them(string measures)
    {
        using var federation = new Federation([10], """{ "columns": [ { "name": "age" } ] }""");
        var refused = await Assert.ThrowsAsync<TaskContractException>(() => federation.MeasureAsync(0, measures));
        Assert.Contains("'age' has no minimum and maximum", refused.Message, StringComparison.Ordinal);
    }
}
