using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Plans;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tests.Tasks;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

/// <summary>A clipping norm that follows a quantile (Andrew et al. 2021).</summary>
public sealed class AdaptiveClipTests
{
    private const string Tag = "model_params";
    private const string Global = "global_model_params";
    private const string Norm = "global_model_params_clip";

    [Theory]
    [InlineData(0, 1)] // none within: C e^(-0.2 (0 - 0.5))
    [InlineData(2, 0.5)]
    [InlineData(4, 0)]
    public void The_norm_moves_by_how_many_are_within(int within, double less)
    {
        double[] lengths = [.. Enumerable.Repeat(1.0, within), .. Enumerable.Repeat(9.0, 4 - within)];
        Assert.Equal(3 * Math.Exp(-0.2 * (0.5 - less)), new AdaptiveClip(3, 0.5, 0.2, null).Next(3, lengths, 4, 0), 1e-12);
    }

    [Fact]
    public void The_share_is_of_those_who_were_expected_and_stays_one()
    {
        var clip = new AdaptiveClip(1, 0.5, 0.2, null);
        // (2 · ½ + 3) / 10 + ½
        Assert.Equal(Math.Exp(-0.2 * 0.4), clip.Next(1, [0.5, 1], 10, 3), 1e-12);
        Assert.Equal(Math.Exp(-0.2 * 0.5), clip.Next(1, [0.5, 1], 10, 1e9), 1e-12);
        Assert.Equal(Math.Exp(0.2 * 0.5), clip.Next(1, [0.5, 1], 10, -1e9), 1e-12);
    }

    [Fact]
    public void It_comes_to_the_quantile()
    {
        var (clip, random, norm) = (new AdaptiveClip(0.1, 0.3, 0.2, null), new Random(5), 0.1);
        for (var round = 0; round < 500; round++)
            norm = clip.Next(norm, [.. Enumerable.Range(0, 100).Select(_ => 10 * random.NextDouble())], 100, 5 * (random.NextDouble() - 0.5));
        Assert.Equal(3, norm, 0.4);
    }

    [Fact]
    public void The_sum_has_more_noise_so_that_sum_and_count_have_what_is_accounted_for()
    {
        Assert.Equal(1.106716009617608, AdaptiveClip.SumNoise(1.1, 5), 1e-12);
        // The count's multiplier is σ_b / ½, and the inverse squares add up.
        var sum = AdaptiveClip.SumNoise(1.1, 0.7);
        Assert.Equal(Math.Pow(1.1, -2), Math.Pow(sum, -2) + Math.Pow(0.7 / 0.5, -2), 1e-12);
        Assert.Equal(5, new AdaptiveClip(1, 0.5, 0.2, null).CountNoiseFor(100, 1.1));
        Assert.Equal(1.1, new AdaptiveClip(1, 0.5, 0.2, null).CountNoiseFor(4, 1.1));
    }

    [Fact]
    public async Task The_norm_is_committed_with_the_model_and_the_next_round_begins_with_it()
    {
        // Lengths 1 and 5 beside a norm of 2.
        var first = Store().WithWeights("a", Tag, 1, () => Of(Floats("w", 1))).WithWeights("b", Tag, 1, () => Of(Floats("w", 5)));
        await first.RunAsync(new Aggregate(), new { Aggregate = new[] { "adaptive_clip 2 quantile=0.75 rate=0.4" } });
        Assert.Equal(1.5f, ((NamedArrays)first.StagedGlobals[Global])["w"].Span<float>()[0]);
        var next = ((JsonElement)first.StagedGlobals[Norm]).GetProperty("norm").GetDouble();
        Assert.Equal(2 * Math.Exp(0.4 * 0.25), next, 1e-12);
        var told = (JsonElement)first.StagedResults["clip"];
        Assert.Equal((2, next), (told.GetProperty("norm").GetDouble(), told.GetProperty("next").GetDouble()));

        var second = Store().WithGlobal(Norm, new { Norm = 0.5 }).WithWeights("a", Tag, 1, () => Of(Floats("w", 9)));
        await second.RunAsync(new Aggregate(), new { Aggregate = new[] { "adaptive_clip 2" } });
        Assert.Equal(0.5f, ((NamedArrays)second.StagedGlobals[Global])["w"].Span<float>()[0]);
    }

    [Fact]
    public async Task A_private_sum_gets_the_greater_noise_and_the_ledger_what_was_asked_for()
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", new float[100_000])));
        await store.RunAsync(new Aggregate(), new { Aggregate = new[] { "adaptive_clip 2 count_noise=0.6", "private_mean noise=1 expected=10 noise_source=seed" } });
        var w = ((NamedArrays)store.StagedGlobals[Global])["w"].Span<float>().ToArray();
        Assert.Equal(2 * AdaptiveClip.SumNoise(1, 0.6) / 10, Math.Sqrt(w.Average(v => (double)v * v)), 5e-3);
        var ledger = (JsonElement)store.StagedGlobals["privacy"];
        Assert.Equal(1, ledger.GetProperty("entries")[0].GetProperty("noise").GetDouble());
    }

    [Fact]
    public async Task A_swarm_goes_on_with_the_norm_from_round_to_round()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 3);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 3, minimumNodes: 3).Replace(
            "\"type\": \"FedAvg\"", "\"type\": \"Aggregate\", \"options\": { \"aggregate\": [\"adaptive_clip 1e-3\", \"private_mean noise=2 expected=3\"] }", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.Equal(3, end.History.Length);
        for (var round = 1; round < 3; round++)
            Assert.Equal(end.History[round - 1].Metrics["clip.next"], end.History[round].Metrics["clip.norm"]);
    }

    [Theory]
    [InlineData("adaptive_clip 0.1 count_noise=0.5;private_mean noise=1.1 expected=10", "above half the noise")]
    [InlineData("adaptive_clip -1", "a norm of")]
    [InlineData("adaptive_clip 1 quantile=2", "a share of 0 to 1")]
    [InlineData("clip 1;adaptive_clip 1", "twice or too late")]
    [InlineData("adaptive_clip 1 gamma=2", "has no option 'gamma'")]
    [InlineData("adaptiv_clip 1", "did you mean 'adaptive_clip'?")]
    public void What_cannot_be_is_refused(string parts, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidSettingException>(() => AggregationPlan.Parse(parts.Split(';'))).Message, StringComparison.Ordinal);

    [Fact]
    public void It_is_written_as_it_is_read()
    {
        var plan = AggregationPlan.Parse("adaptive_clip 0.2 quantile=0.4 rate=0.1 count_noise=3", "private_mean noise=1 expected=4");
        Assert.Equal(plan.Parts, AggregationPlan.Parse(plan.Parts).Parts);
    }

    private static MemoryAttemptStore Store() => new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", 0)));
}
