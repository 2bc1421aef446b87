using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

/// <summary>The rule of Nguyen et al. 2022 against values worked out by hand.</summary>
public sealed class FedBuffTests
{
    private const string Tag = "model_params";
    private const string Global = "global_model_params";

    [Fact]
    public async Task A_difference_weighs_one_over_the_root_of_one_plus_its_age_and_the_sum_is_divided_by_how_many_there_are()
    {
        // In round 9: ages 0, 3 and 8, so 1, 1/2 and 1/3; (6 + 12/2 + 18/3) / 3 = 6.
        var store = InRound(9, 1).WithDifference("a", Tag, 9, () => Of(Floats("w", 6))).WithDifference("b", Tag, 6, () => Of(Floats("w", 12))).WithDifference("c", Tag, 1, () => Of(Floats("w", 18)));
        await store.RunAsync(new FedBuff());
        Assert.Equal(7, Value(store), 1e-6f);
        var summary = (JsonElement)store.StagedResults["aggregation"];
        Assert.Equal((11.0 / 3, 8), (summary.GetProperty("mean_staleness").GetDouble(), summary.GetProperty("maximum_staleness").GetInt32()));
    }

    [Theory]
    [InlineData("fed_buff lr=0.5", 1 + (0.5 * (8 + (8 / 1.7320508075688772)) / 2))]
    [InlineData("fed_buff staleness=constant", 1 + 8)]
    [InlineData("fed_buff staleness=polynomial:1", 1 + ((8 + (8 / 3.0)) / 2))]
    [InlineData("fed_buff staleness=polynomial:2", 1 + ((8 + (8 / 9.0)) / 2))]
    public async Task The_step_and_the_weight_of_age_are_the_definition_s(string part, double expected)
    {
        var store = InRound(5, 1).WithDifference("a", Tag, 5, () => Of(Floats("w", 8))).WithDifference("b", Tag, 3, () => Of(Floats("w", 8)));
        await store.RunAsync(new Aggregate(), new { Aggregate = new[] { part } });
        Assert.Equal((float)expected, Value(store), 1e-5f);
    }

    [Fact]
    public async Task Behind_a_barrier_it_is_the_mean_of_all_alike_and_an_age_is_none()
    {
        var store = InRound(4, 1).WithWeights("a", Tag, 1, () => Of(Floats("w", 3))).WithWeights("b", Tag, 99, () => Of(Floats("w", 7)));
        await store.RunAsync(new FedBuff());
        Assert.Equal(5, Value(store));
        Assert.False(((JsonElement)store.StagedResults["aggregation"]).TryGetProperty("mean_staleness", out _));
    }

    [Fact]
    public async Task Clipping_shortens_differences_and_an_optimizer_takes_the_step()
    {
        // ‖d‖ = 5, of which 1 is left: (0.6, 0.8) for both; an age of 3 halves one. D = (0.45, 0.6), and half of that is the step.
        var store = new MemoryAttemptStore { Round = 4 }.WithGlobalWeights(Global, () => Of(Floats("w", 10, 20)));
        store.WithDifference("a", Tag, 4, () => Of(Floats("w", 3, 4))).WithDifference("b", Tag, 1, () => Of(Floats("w", 3, 4)));
        await store.RunAsync(new Aggregate(), new { Aggregate = new[] { "clip 1", "fed_buff", "momentum lr=0.5" } });
        var weights = ((NamedArrays)store.StagedGlobals[Global])["w"].Span<float>();
        Assert.Equal(10.225f, weights[0], 1e-5f);
        Assert.Equal(20.3f, weights[1], 1e-5f);
    }

    [Fact]
    public async Task The_bits_do_not_depend_on_who_arrives_first()
    {
        var (forward, backward) = (InRound(9, 0.3f), InRound(9, 0.3f));
        for (var i = 0; i < 7; i++)
        {
            Add(forward, i);
            Add(backward, 6 - i);
        }
        await forward.RunAsync(new FedBuff());
        await backward.RunAsync(new FedBuff());
        AssertIdentical((NamedArrays)forward.StagedGlobals[Global], (NamedArrays)backward.StagedGlobals[Global]);

        static void Add(MemoryAttemptStore store, int i) => store.WithDifference($"node_{i}", Tag, 9 - i, () => Of(Floats("w", (i * 0.37f) - 1)));
    }

    [Fact]
    public async Task Counters_stay_those_of_the_model()
    {
        var store = new MemoryAttemptStore { Round = 2 }.WithGlobalWeights(Global, () => Of(Floats("w", 1), Array("n", ArrayType.Int64, 41L)));
        store.WithDifference("a", Tag, 1, () => Of(Floats("w", 1), Array("n", ArrayType.Int64, 7L)));
        await store.RunAsync(new FedBuff());
        Assert.Equal(41, ((NamedArrays)store.StagedGlobals[Global])["n"].Span<long>()[0]);
    }

    [Fact]
    public async Task What_is_not_finite_or_from_another_global_is_left_out_and_named()
    {
        var store = InRound(2, 1).WithDifference("a", Tag, 2, () => Of(Floats("w", float.NaN))).WithDifference("b", Tag, 2, () => Of(Floats("w", 1)), from: "another").WithDifference("c", Tag, 2, () => Of(Floats("w", 4)));
        await store.RunAsync(new FedBuff());
        Assert.Equal(5, Value(store));
        var summary = store.StagedResults["aggregation"].ToString();
        Assert.Contains("NaN", summary, StringComparison.Ordinal);
        Assert.Contains("It is a difference from global", summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_other_rule_takes_differences_for_models()
    {
        var store = InRound(2, 1).WithDifference("a", Tag, 1, () => Of(Floats("w", 4)));
        foreach (var (task, options) in new (SwarmTask, object)[] { (new FedAvg(), new { }), (new FedAdam(), new { }), (new Aggregate(), new { Aggregate = new[] { "median" } }) })
            Assert.Contains("is a difference from global 'global_model_params' of round 1", (await Assert.ThrowsAsync<TaskContractException>(() => store.RunAsync(task, options))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_difference_is_rounded_once_and_leaves_integers_as_they_are()
    {
        using var x = Of(Floats("w", 1.5f, -2f), Array("h", ArrayType.Float64, 0.3), Array("n", ArrayType.Int64, 9L));
        using var w = Of(Floats("w", 1f, 3f), Array("h", ArrayType.Float64, 0.1), Array("n", ArrayType.Int64, 4L));
        using var difference = ModelDifference.Of(x, w);
        AssertIdentical(Of(Floats("w", 0.5f, -5f), Array("h", ArrayType.Float64, 0.3 - 0.1), Array("n", ArrayType.Int64, 9L)), difference);
        Assert.Throws<IncompatibleWeightsException>(() => ModelDifference.Of(x, Of(Floats("w", 1f, 3f))));
    }

    private static MemoryAttemptStore InRound(int round, float model) => new MemoryAttemptStore { Round = round }.WithGlobalWeights(Global, () => Of(Floats("w", model)));

    private static float Value(MemoryAttemptStore store) => ((NamedArrays)store.StagedGlobals[Global])["w"].Span<float>()[0];
}
