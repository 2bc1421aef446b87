using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Plans;
using MantaLight.Messaging;
using MantaLight.Privacy;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

/// <summary>Differential privacy of participants: noise on the sum of what was clipped, and what it has cost.</summary>
public sealed class PrivateMeanTests
{
    private const string Tag = "model_params";
    private const string Global = "global_model_params";

    [Fact]
    public async Task The_sum_of_clipped_differences_is_divided_by_the_expected_number_whoever_came()
    {
        // With the same noise there is nothing else between them.
        var (some, nobody) = (Store([1, 1], ("a", 10, [4, 5]), ("b", 9999, [1.6f, 1])), Store([1, 1]));
        foreach (var store in new[] { some, nobody })
            await RunAsync(store, "clip 1", "private_mean noise=0.1 expected=4 noise_source=seed");
        // (0.6, 0.8) + (0.6, 0), each counting the same, over 4.
        Assert.Equal(0.3f, Of(some, 0) - Of(nobody, 0), 1e-6f);
        Assert.Equal(0.2f, Of(some, 1) - Of(nobody, 1), 1e-6f);

        static float Of(MemoryAttemptStore store, int element) => ((NamedArrays)store.StagedGlobals[Global])["w"].Span<float>()[element];
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("seed")]
    public async Task The_noise_has_the_deviation_of_multiplier_times_norm_over_the_expected_number(string source)
    {
        var store = Store(new float[100_000]);
        await RunAsync(store, "clip 2", $"private_mean noise=1.5 expected=10 noise_source={source}");
        // Nobody took part: what is left is noise.
        var w = ((NamedArrays)store.StagedGlobals[Global])["w"].Span<float>().ToArray();
        Assert.Equal(0, w.Average(), 5e-3);
        Assert.Equal(0.3, Math.Sqrt(w.Average(v => (double)v * v)), 5e-3);
        // And is not the same in blocks that follow each other.
        Assert.True(w.Distinct().Count() > 99_000);
    }

    [Fact]
    public async Task Noise_of_the_seed_comes_again_and_secret_noise_does_not()
    {
        Assert.Equal(await BitsAsync("seed"), await BitsAsync("seed"));
        Assert.NotEqual(await BitsAsync("secret"), await BitsAsync("secret"));

        static async Task<byte[]> BitsAsync(string source)
        {
            var store = Store(new float[10], ("a", 1, new float[10]));
            await RunAsync(store, "clip 1", $"private_mean noise=1 expected=1 noise_source={source}");
            return ((NamedArrays)store.StagedGlobals[Global])["w"].Data.ToArray();
        }
    }

    [Fact]
    public async Task Counters_are_not_told()
    {
        var store = new MemoryAttemptStore()
            .WithGlobalWeights(Global, () => Of(Array("n", ArrayType.Int64, 7L), Floats("w", 0)))
            .WithWeights("a", Tag, 1, () => Of(Array("n", ArrayType.Int64, 9L), Floats("w", 0)));
        await RunAsync(store, "clip 1", "private_mean noise=1 expected=1");
        Assert.Equal(7, ((NamedArrays)store.StagedGlobals[Global])["n"].Span<long>()[0]);
    }

    [Fact]
    public async Task What_is_spent_is_committed_with_the_model_and_told()
    {
        var store = Store([0], ("a", 1, [1])).WithGlobal("privacy", new PrivacyLedger([new PrivacyEntry(0.5, 1.1, 9)]));
        await RunAsync(store, "clip 1", "private_mean noise=1.1 expected=1 sampling=0.5 delta=1e-6");
        var ledger = ((JsonElement)store.StagedGlobals["privacy"]).Deserialize<PrivacyLedger>(TaskJson.Options)!;
        Assert.Equal([new PrivacyEntry(0.5, 1.1, 10)], ledger.Entries);
        var told = (JsonElement)store.StagedResults["privacy"];
        Assert.Equal(new RdpAccountant().Epsilon(new SampledGaussian(0.5, 1.1), 10, 1e-6).Epsilon, told.GetProperty("epsilon").GetDouble(), 1e-6);
        Assert.Equal((10, 1e-6, 1), (told.GetProperty("steps").GetInt32(), told.GetProperty("delta").GetDouble(), told.GetProperty("private").GetInt32()));
    }

    [Theory]
    [InlineData("{}", 1)]
    [InlineData("""{ "participation": 0.25 }""", 0.25)]
    public async Task A_chance_that_nobody_draws_is_not_counted_on(string hyperparameters, double drawn)
    {
        var store = Store([0], ("a", 1, [1])).WithGlobal("hyperparameters", JsonElement.Parse(hyperparameters));
        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => RunAsync(store, "clip 1", "private_mean noise=1.1 expected=1 sampling=0.5"));
        Assert.Contains(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"probability 0.5, and \"participation\" in the hyper-parameters is {drawn}"), refusal.Message, StringComparison.Ordinal);
        Assert.Empty(store.StagedGlobals);
    }

    [Fact]
    public void Several_mechanisms_add_up()
    {
        var ledger = PrivacyLedger.Empty.Add(new SampledGaussian(0.1, 1), 10).Add(new SampledGaussian(0.1, 2), 10).Add(new SampledGaussian(0.1, 1), 5);
        Assert.Equal([new PrivacyEntry(0.1, 1, 15), new PrivacyEntry(0.1, 2, 10)], ledger.Entries);
        var both = ledger.Epsilon(1e-5, isPld: false);
        Assert.True(both > new RdpAccountant().Epsilon(new SampledGaussian(0.1, 1), 15, 1e-5).Epsilon);
        Assert.True(both < new RdpAccountant().Epsilon(new SampledGaussian(0.1, 1), 25, 1e-5).Epsilon);
    }

    [Fact]
    public async Task A_round_that_would_exceed_the_budget_is_not_made()
    {
        var store = Store([0], ("a", 1, [1]));
        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => RunAsync(store, "clip 1", "private_mean noise=0.5 expected=1 budget=1"));
        Assert.Contains("and the budget is 1", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(store.StagedGlobals);
    }

    [Fact]
    public async Task A_swarm_ends_before_its_budget_is_exceeded_and_every_round_says_what_is_spent()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 3);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 50, minimumNodes: 3).Replace(
            "\"type\": \"FedAvg\"", "\"type\": \"Aggregate\", \"options\": { \"aggregate\": [\"clip 0.001\", \"private_mean noise=2 expected=3 budget=6\"] }", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.Contains("privacy budget: ε = ", end.Reason, StringComparison.Ordinal);
        var spent = end.History.Select(h => h.Metrics["privacy.epsilon"]).ToArray();
        Assert.Equal(spent.Order(), spent);
        Assert.InRange(end.Round, 2, 20);
        Assert.InRange(spent[^1], 0, 6);
        Assert.True(new RdpAccountant().Epsilon(new SampledGaussian(1, 2), end.Round + 1, 1e-5).Epsilon > 6);
    }

    [Theory]
    [InlineData("private_mean noise=1 expected=1", "needs 'clip' before it")]
    [InlineData("clip 1;private_mean expected=1", "needs 'noise'")]
    [InlineData("clip 1;private_mean noise=1", "needs 'expected'")]
    [InlineData("clip 1;private_mean noise=1 expected=1 sampling=2", "a probability above 0 and at most 1")]
    [InlineData("clip 1;private_mean noise=1 expected=1 delta=0", "a number of 1e-12 to below 1")]
    [InlineData("clip 1;private_mean noise=1 expected=1 noise_source=dice", "secret or seed")]
    [InlineData("clip 1;private_mean noise=1 expected=5 scheme=fixed", "needs 'population'")]
    [InlineData("clip 1;private_mean noise=1 expected=5 scheme=fixed population=4", "at least those who are expected")]
    [InlineData("clip 1;private_mean noise=1 expected=2.5 scheme=fixed population=4", "a whole number")]
    [InlineData("clip 1;private_mean noise=1 expected=5 scheme=fixed population=40 sampling=0.1", "has no option 'sampling'")]
    [InlineData("clip 1;private_mean noise=1 expected=5 scheme=fixed population=40 choice=secret accountant=pld", "accountant=rdp")]
    public void What_protects_nobody_is_refused(string parts, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidSettingException>(() => AggregationPlan.Parse(parts.Split(';'))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("", 1)]
    [InlineData(" choice=secret", 0.1)]
    public async Task A_fixed_number_of_all_counts_as_sampling_only_against_who_cannot_know_whom(string choice, double share)
    {
        var store = Store([0], ("a", 1, [1]));
        await RunAsync(store, "clip 1", $"private_mean noise=4 expected=2 scheme=fixed population=20{choice}");
        var told = (JsonElement)store.StagedResults["privacy"];
        Assert.Equal(new RdpAccountant().Epsilon(new SampledGaussian(share, 4, SamplingScheme.Fixed), 1, 1e-5).Epsilon, told.GetProperty("epsilon").GetDouble(), 1e-6);
        var ledger = ((JsonElement)store.StagedGlobals["privacy"]).Deserialize<PrivacyLedger>(TaskJson.Options)!;
        Assert.Equal([new PrivacyEntry(share, 4, 1, SamplingScheme.Fixed)], ledger.Entries);
        var parts = AggregationPlan.Parse("clip 1", $"private_mean noise=4 expected=2 scheme=fixed population=20{choice}").Parts;
        Assert.Equal(parts, AggregationPlan.Parse(parts).Parts);
    }

    [Fact]
    public async Task More_than_a_fixed_number_are_not_combined()
    {
        var store = Store([0], ("a", 1, [1]), ("b", 1, [1]));
        await Assert.ThrowsAsync<TaskContractException>(() => RunAsync(store, "clip 1", "private_mean noise=4 expected=1 scheme=fixed population=20"));
        Assert.Empty(store.StagedGlobals);
    }

    [Theory]
    [InlineData("FedAvg")]
    [InlineData("Aggregate")]
    public async Task A_swarm_whose_nodes_have_all_spent_their_budgets_ends_with_the_model_as_it_is(string type)
    {
        var store = Store([0]).WithResult("a", "train_metrics", new { budget_spent = 1 }).WithResult("b", "train_metrics", new { budget_spent = 1 });
        await store.RunAsync(type == "FedAvg" ? new FedAvg() : new Aggregate());
        Assert.Empty(store.StagedGlobals);
        Assert.Equal((true, "privacy budget: all 2 nodes that were asked have spent theirs"), (store.Requests.Request!.Stop, store.Requests.Request.Reason));
    }

    [Fact]
    public async Task One_node_that_says_something_else_keeps_a_swarm_without_contributions_from_ending()
    {
        var store = Store([0]).WithResult("a", "train_metrics", new { budget_spent = 1 }).WithResult("b", "train_metrics", new { loss = 1 });
        await Assert.ThrowsAsync<TaskContractException>(() => store.RunAsync(new FedAvg()));
    }

    private static Task RunAsync(MemoryAttemptStore store, params string[] parts) => store.RunAsync(new Aggregate(), new { Aggregate = parts });

    private static MemoryAttemptStore Store(float[] global, params (string Node, long Samples, float[] Weights)[] contributions)
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", global)));
        foreach (var (node, samples, weights) in contributions)
            store.WithWeights(node, Tag, samples, () => Of(Floats("w", weights)));
        return store;
    }
}
