using System.Text.Json;
using MantaLight.Statistics;
using MantaLight.Tasks;

namespace MantaLight.Tests.Statistics;

public sealed class PrivateStatisticsTests
{
    private const string Seeded = """{ "histogram": 10, "quantiles": [0.1, 0.5], "quantile_rounds": 3, "quantile_cells": 8, "privacy": { "epsilon": 6, "noise_source": "seed" } }""";

    [Fact]
    public async Task All_errors_hold_together_with_the_probability_that_is_stated()
    {
        const int runs = 60;
        using var federation = new Federation([400, 200, 600]);
        var held = 0;
        for (var run = 0; run < runs; run++)
            held += AllHold(federation, await federation.RunAsync(Seeded, (ulong)run * 10_000_000)) ? 1 : 0;

        // 0.95 of them at least; they are bounds, so that it is all of them nearly always.
        Assert.True(held >= runs * MeasurePlan.Confidence, $"{held} of {runs}");
    }

    [Fact]
    public async Task The_errors_are_small_where_there_are_many_rows()
    {
        using var federation = new Federation([4000, 2000, 6000]);

        var age = (await federation.RunAsync(Seeded)).Columns["age"];

        Assert.InRange(age.CountError!.Value, 10, 200);
        Assert.InRange(age.MeanError!.Value, 0.1, 2);
        Assert.InRange(age.VarianceError!.Value, 10, 200);
        Assert.All(age.Quantiles!, q => Assert.InRange(q.High - q.Low, 0.1, 15));
    }

    [Fact]
    public async Task Epsilon_is_shared_out_and_told_for_each_statistic()
    {
        using var federation = new Federation([50, 50]);

        var privacy = (await federation.RunAsync(Seeded)).Privacy!;

        // Two numbers with count, sum, squares, histogram and three rounds of quantiles, and a category's histogram: 15 times 0.4, rounded down.
        Assert.Equal(11, privacy.Releases.Count);
        Assert.Equal(15, privacy.Releases.Sum(r => r.Rounds));
        Assert.Equal(0.4 * 3, privacy.Releases.Single(r => r is { Column: "stay", Statistic: "quantiles" }).Epsilon, 1e-5);
        Assert.Equal(privacy.Epsilon, privacy.Releases.Sum(r => r.Epsilon), 1e-12);
        Assert.InRange(privacy.Epsilon, 5.9999, 6);
        Assert.Equal(privacy.Epsilon, privacy.Spent);
        Assert.False(privacy.Private);
    }

    [Fact]
    public async Task A_repeated_attempt_counts_as_if_the_first_had_been_seen_and_the_budget_ends_it()
    {
        const string measures = """{ "privacy": { "epsilon": 2, "budget": 4 } }""";
        using var federation = new Federation([50, 50]);
        (string, JsonElement)[] told = [("node_0", (await federation.MeasureAsync(0, measures))!.Value), ("node_1", (await federation.MeasureAsync(1, measures, attempt: 2))!.Value)];

        var (statistics, _) = await federation.CombineAsync(measures, null, told);
        var refused = await Assert.ThrowsAsync<TaskContractException>(() => federation.MeasureAsync(1, measures, attempt: 3));

        var privacy = TaskJson.Read<TableStatistics>(statistics, "statistics").Privacy!;
        Assert.Equal(2 * privacy.Epsilon, privacy.Spent);
        Assert.True(privacy.Private);
        Assert.Contains("budget of 4", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secret_noise_never_comes_again_and_seeded_noise_does()
    {
        const string secret = """{ "privacy": { "epsilon": 0.1 } }""";
        const string seeded = """{ "privacy": { "epsilon": 0.1, "noise_source": "seed" } }""";
        using var federation = new Federation([50]);

        Assert.NotEqual(await TextAsync(secret), await TextAsync(secret));
        Assert.Equal(await TextAsync(seeded), await TextAsync(seeded));

        async Task<string> TextAsync(string measures) => (await federation.MeasureAsync(0, measures))!.Value.GetRawText();
    }

    [Fact]
    public async Task Nothing_but_whole_noisy_numbers_leaves_a_node()
    {
        using var federation = new Federation([50]);

        var told = (await federation.MeasureAsync(0, Seeded))!.Value.GetProperty("columns").GetProperty("age");

        Assert.Equal(["count", "sum", "sum_of_squares", "histogram", "cells"], told.EnumerateObject().Select(m => m.Name));
        Assert.True(told.GetProperty("count").TryGetInt64(out _) && told.GetProperty("sum").TryGetInt64(out _));
    }

    private static bool AllHold(Federation federation, TableStatistics statistics) =>
        Holds(statistics.Columns["age"], [.. federation.Rows.Select(r => r.Age).Order()], 100)
        && Holds(statistics.Columns["stay"], [.. federation.Rows.Select(r => r.Stay).Order()], 60)
        && statistics.Columns["ward"].Histogram!.Select((count, ward) => Math.Abs(count - federation.Rows.Count(r => r.Ward == ward)) <= statistics.Columns["ward"].HistogramError).All(held => held);

    private static bool Holds(ColumnStatistics told, double[] sorted, double maximum)
    {
        var (mean, width) = (sorted.Average(), maximum / 10);
        return Math.Abs(told.Count!.Value - sorted.Length) <= told.CountError
            && Math.Abs(told.Mean!.Value - mean) <= told.MeanError
            && Math.Abs(told.Variance!.Value - sorted.Average(v => (v - mean) * (v - mean))) <= told.VarianceError
            && told.Histogram!.Select((count, bin) => Math.Abs(count - sorted.Count(v => v >= bin * width && (v < (bin + 1) * width || bin == 9))) <= told.HistogramError).All(held => held)
            && told.Quantiles!.All(q => sorted[(int)Math.Ceiling(q.Q * sorted.Length) - 1] is var exact && exact >= q.Low && exact <= q.High);
    }
}
