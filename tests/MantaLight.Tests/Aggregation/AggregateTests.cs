using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

public sealed class AggregateTests
{
    private const string Tag = "model_params";
    private const string Global = "global_model_params";

    [Fact]
    public async Task Parts_are_done_one_after_the_other_and_what_the_optimizer_remembers_is_committed()
    {
        var store = Store(0, 1, 2, 3, 100);
        await store.RunAsync(new Aggregate(), new { Aggregate = new[] { "trimmed_mean b=1", "momentum lr=0.5" } });
        // Of 1, 2, 3 the mean is 2: D = 2, v = 2, w = 0 + 0.5 * 2.
        AssertIdentical(Of(Floats("w", 1)), (NamedArrays)store.StagedGlobals[Global]);
        AssertIdentical(Of(Floats("w", 2)), (NamedArrays)store.StagedGlobals[$"{Global}_momentum"]);
    }

    [Fact]
    public async Task What_was_remembered_goes_on()
    {
        var store = Store(3, 3, 3).WithGlobalWeights($"{Global}_momentum", () => Of(Floats("w", 10)));
        await store.RunAsync(new Aggregate(), new { Aggregate = new[] { "mean", "momentum lr=1 beta=0.5" } });
        // v = 0.5 * 10 + 3.
        AssertIdentical(Of(Floats("w", 8)), (NamedArrays)store.StagedGlobals[Global]);
    }

    [Fact]
    public async Task The_mean_alone_is_fed_avg_s_to_the_bit()
    {
        var values = Enumerable.Range(1, 7).Select(i => i / 7f).ToArray();
        var (one, other) = (Store(values), Store(values));
        await one.RunAsync(new Aggregate());
        await other.RunAsync(new FedAvg());
        AssertIdentical((NamedArrays)other.StagedGlobals[Global], (NamedArrays)one.StagedGlobals[Global]);
        Assert.Equal(other.StagedResults["aggregation"].ToString(), one.StagedResults["aggregation"].ToString());
    }

    [Theory]
    [InlineData("krum f=1")]
    [InlineData("geometric_median")]
    [InlineData("multi_krum f=1")]
    [InlineData("centered_clip 1")]
    public async Task The_bits_do_not_depend_on_who_arrives_first(string rule)
    {
        float[] values = [0.3f, -0.7f, 0.1f, 0.9f, 0.2f, -0.4f];
        var forward = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", 0)));
        var backward = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", 0)));
        for (var i = 0; i < values.Length; i++)
        {
            Add(forward, i);
            Add(backward, values.Length - 1 - i);
        }
        await forward.RunAsync(new Aggregate(), new { Aggregate = new[] { rule } });
        await backward.RunAsync(new Aggregate(), new { Aggregate = new[] { rule } });
        AssertIdentical((NamedArrays)forward.StagedGlobals[Global], (NamedArrays)backward.StagedGlobals[Global]);

        void Add(MemoryAttemptStore store, int i) => store.WithWeights($"node_{i}", Tag, i + 1, () => Of(Floats("w", values[i])));
    }

    [Fact]
    public async Task Float64_beyond_what_distances_can_be_counted_with_is_left_out()
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Array("w", ArrayType.Float64, 0.0)));
        foreach (var (node, value) in new[] { ("a", 1.0), ("b", 2.0), ("c", 1e200), ("d", 3.0) })
            store.WithWeights(node, Tag, 1, () => Of(Array("w", ArrayType.Float64, value)));
        await store.RunAsync(new Aggregate(), new { Aggregate = new[] { "geometric_median" } });
        Assert.InRange(((NamedArrays)store.StagedGlobals[Global])["w"].Span<double>()[0], 1, 3);
        Assert.Contains("is the most that distances can be counted with", store.StagedResults["aggregation"].ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1e-300)]
    [InlineData(1e290)]
    [InlineData(-1)]
    public async Task A_number_that_nobody_can_be_weighed_by_leaves_its_node_out_and_harms_no_other(double number)
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", 0)))
            .WithWeights("a", Tag, 1, () => Of(Floats("w", 2))).WithResult("a", "train_metrics", new { Normalizer = 3.0 })
            .WithWeights("b", Tag, 1, () => Of(Floats("w", 9))).WithResult("b", "train_metrics", new { Normalizer = number });
        await store.RunAsync(new FedNova());
        AssertIdentical(Of(Floats("w", 2)), (NamedArrays)store.StagedGlobals[Global]);
    }

    [Fact]
    public async Task A_global_that_is_not_finite_is_named_as_what_is_wrong()
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", float.NaN))).WithWeights("a", Tag, 1, () => Of(Floats("w", 2)));
        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => store.RunAsync(new Aggregate(), new { Aggregate = new[] { "clip 1" } }));
        Assert.Contains($"The global '{Global}' cannot be gone on from", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_does_not_fit_and_whom_the_rule_leaves_out_are_named_with_the_reason()
    {
        var store = Store(0, 1, 2, 3, 100).WithWeights("node_a", Tag, 1, () => Of(Floats("w", float.NaN))).WithWeights("node_b", Tag, 1, () => Of(Floats("v", 1)));
        await store.RunAsync(new Aggregate(), new { Aggregate = new[] { "krum f=1" } });
        AssertIdentical(Of(Floats("w", 1)), (NamedArrays)store.StagedGlobals[Global]);
        var summary = (JsonElement)store.StagedResults["aggregation"];
        Assert.Equal(["node_1"], summary.GetProperty("participants").EnumerateArray().Select(p => p.GetString()));
        var refused = summary.GetProperty("refused").EnumerateArray().ToDictionary(r => r.GetProperty("node").GetString()!, r => r.GetProperty("reason").GetString()!);
        Assert.Equal(["node_0", "node_2", "node_3", "node_4", "node_a", "node_b"], refused.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("Krum score", refused["node_4"], StringComparison.Ordinal);
        Assert.Contains("NaN", refused["node_a"], StringComparison.Ordinal);
        Assert.Contains("'w: float32 [1]' is expected", refused["node_b"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_few_for_the_rule_end_the_round_with_how_many_it_takes()
    {
        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => Store(0, 1, 2).WithWeights("node_a", Tag, 1, () => Of(Floats("w", float.NaN)))
            .RunAsync(new Aggregate(), new { Aggregate = new[] { "krum f=1" } }));
        Assert.Contains("needs at least 2f + 3 = 5 contributions, and there are 3 (1 did not fit: node_a: ", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fed_nova_divides_each_difference_by_how_far_its_steps_reach()
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", 1)))
            .WithWeights("a", Tag, 10, () => Of(Floats("w", 3))).WithResult("a", "train_metrics", new { Normalizer = 2.0, Samples = 10 })
            .WithWeights("b", Tag, 30, () => Of(Floats("w", 7))).WithResult("b", "train_metrics", new { Normalizer = 3.0, Samples = 30 })
            .WithWeights("c", Tag, 99, () => Of(Floats("w", 99)));
        await store.RunAsync(new FedNova());
        // τ = 0.25 * 2 + 0.75 * 3 = 2.75; Σ p d / a = 0.25 * 2 / 2 + 0.75 * 6 / 3 = 1.75.
        AssertIdentical(Of(Floats("w", 1 + (2.75f * 1.75f))), (NamedArrays)store.StagedGlobals[Global]);
        Assert.Contains("no number above 0 (1e-12 to 1e12) as", store.StagedResults["aggregation"].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_mean_can_weigh_by_what_nodes_tell()
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", 0)))
            .WithWeights("a", Tag, 10, () => Of(Floats("w", 4))).WithResult("a", "train_metrics", new { Loss = 0.5 })
            .WithWeights("b", Tag, 10, () => Of(Floats("w", 8))).WithResult("b", "train_metrics", new { Loss = 1.5 });
        await store.RunAsync(new Aggregate(), new { Aggregate = new[] { "mean weights=train_metrics.loss" } });
        AssertIdentical(Of(Floats("w", 7)), (NamedArrays)store.StagedGlobals[Global]);
    }

    [Fact]
    public async Task A_strategy_by_its_name_is_its_part_of_an_aggregation()
    {
        foreach (var (task, options, part) in new (AggregationTask, object, string)[]
        {
            (new FedAvgM(), new { Lr = 0.5, Beta = 0.8, Nesterov = true }, "momentum lr=0.5 beta=0.8 nesterov=true"),
            (new FedAdagrad(), new { Lr = 0.5 }, "adagrad lr=0.5"),
            (new FedAdam(), new { Lr = 0.5, Beta1 = 0.5, BiasCorrection = true }, "adam lr=0.5 beta1=0.5 bias_correction=true"),
            (new FedYogi(), new { Tau = 0.1, V0 = 0.0 }, "yogi tau=0.1 v0=0"),
        })
        {
            var (one, other) = (Store(1, 2, 4), Store(1, 2, 4));
            await one.RunAsync(task, options);
            await other.RunAsync(new Aggregate(), new { Aggregate = new[] { part } });
            Assert.Equal(other.StagedGlobals.Keys, one.StagedGlobals.Keys);
            foreach (var (tag, value) in other.StagedGlobals)
                AssertIdentical((NamedArrays)value, (NamedArrays)one.StagedGlobals[tag]);
        }
    }

    [Fact]
    public void An_option_out_of_its_range_is_refused_where_the_definition_is_read() =>
        Assert.Contains("'adam' takes a number of 0 to below 1 as 'beta1'", Assert.Throws<InvalidSettingException>(() => TaskJson.Read<FedAdamOptions>(JsonElement.Parse("""{ "beta1": 1 }"""), "options")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("clip 1")]
    [InlineData("centered_clip 1")]
    [InlineData("adam")]
    public async Task What_starts_from_the_model_before_says_where_it_is_missed(string part)
    {
        var store = new MemoryAttemptStore().WithWeights("a", Tag, 1, () => Of(Floats("w", 2)));
        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => store.RunAsync(new Aggregate(), new { Aggregate = new[] { part } }));
        Assert.Contains("there is no global 'global_model_params'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_remembered_of_another_model_is_refused()
    {
        var store = Store(1, 2).WithGlobalWeights($"{Global}_momentum", () => Of(Floats("w", 1, 2)));
        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => store.RunAsync(new Aggregate(), new { Aggregate = new[] { "momentum" } }));
        Assert.Contains($"The global '{Global}_momentum' is not what 'momentum lr=1 beta=0.9' remembers", refusal.Message, StringComparison.Ordinal);
    }

    private static MemoryAttemptStore Store(params float[] values)
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", 0)));
        for (var i = 0; i < values.Length; i++)
        {
            var value = values[i];
            store.WithWeights($"node_{i}", Tag, 10, () => Of(Floats("w", value)));
        }
        return store;
    }
}
