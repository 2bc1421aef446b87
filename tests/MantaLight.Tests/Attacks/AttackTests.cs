using MantaLight.Attacks;
using MantaLight.Messaging;
using MantaLight.Shared;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Attacks;

/// <summary>Participants that send something else than what they have learnt.</summary>
public sealed class AttackTests
{
    private const string Global = "global_model_params";

    [Fact]
    public async Task A_flipped_sign_goes_the_other_way_so_many_times_as_far()
    {
        var sent = await SendAsync("sign_flip:4", seed: 1);
        AssertIdentical(Of(Array("n", ArrayType.Int64, 8L), Floats("w", 1 - (4 * 0.5f), 2 + (4 * 1f))), sent);
    }

    [Fact]
    public async Task Noise_is_of_its_deviation_and_comes_again_with_its_seed()
    {
        var (one, same, other) = (await SendAsync("gaussian:0.1", seed: 1), await SendAsync("gaussian:0.1", seed: 1), await SendAsync("gaussian:0.1", seed: 2));
        AssertIdentical(one, same);
        Assert.False(one["w"].Data.Span.SequenceEqual(other["w"].Data.Span));

        var draws = new double[100_000];
        Read("gaussian:0.1").Corrupt(draws, [], new Random(5));
        Assert.Equal(0, draws.Average(), 2e-3);
        Assert.Equal(0.1, Math.Sqrt(draws.Average(d => d * d)), 2e-3);
    }

    [Theory]
    [InlineData("sign_flip")]
    [InlineData("sign_flip:0")]
    [InlineData("sign_flip:x")]
    [InlineData("sign_flip:1:2")]
    [InlineData("label_flip")]
    [InlineData("label_flip:1.5")]
    [InlineData("alie:x")]
    [InlineData("alie:1:2")]
    [InlineData("inner_product")]
    [InlineData("forget:1")]
    [InlineData("")]
    public void What_is_no_attack_is_refused_with_what_is_possible(string text) =>
        Assert.Contains("sign_flip:S", Assert.Throws<InvalidSettingException>(() => Read(text)).Message, StringComparison.Ordinal);

    [Theory]
    // s = floor(n / 2 + 1) - f, z = the normal quantile of (n - f - s) / (n - f): 5/9, 24/38, 9/12.
    [InlineData(11, 2, 0.1397103)]
    [InlineData(50, 12, 0.3360382)]
    [InlineData(20, 8, 0.6744898)]
    public void A_little_is_enough_by_as_many_deviations_as_the_honest_ones_allow(int participants, int attackers, double deviations) =>
        Assert.Equal(deviations, Assert.IsType<LittleIsEnough>(ContributionAttack.Parse("alie", participants, attackers)).Deviations, 6);

    [Theory]
    [InlineData("alie:1.5", 11, 1, "at least 2 attackers")]
    [InlineData("alie", 4, 3, "alie:1.5")]
    [InlineData("alie", 3, 2, "alie:1.5")]
    public void A_little_is_not_enough_for_one_alone_or_for_most(string attack, int participants, int attackers, string says) =>
        Assert.Contains(says, Assert.Throws<InvalidSettingException>(() => ContributionAttack.Parse(attack, participants, attackers)).Message, StringComparison.Ordinal);

    [Theory]
    // Of 1 and 4 the mean is 2.5 and the deviation 1.5; of -2 and -2 there is none.
    [InlineData("alie:2", -0.5, -2)]
    [InlineData("inner_product:0.1", -0.25, 0.2)]
    public void Those_who_collude_send_what_the_round_before_has_taught_them(string text, double first, double second)
    {
        var attack = Read(text);
        Assert.Equal([[[7.0, 8]]], attack.Colluders!.Tell(1, "model_params", "b", [[7, 8]]));
        attack.Colluders.Tell(2, "model_params", "b", [[4, -2]]);
        attack.Colluders.Tell(2, "model_params", "a", [[1, -2]]);
        attack.Colluders.Tell(2, "another", "a", [[100, 100]]);

        var known = attack.Colluders.Tell(3, "model_params", "a", [[50, 50]]);
        Assert.Equal([[[1.0, -2]], [[4, -2]]], known);
        double[] sent = [50, 50];
        attack.Corrupt(sent, [.. known.Select(k => k[0])], new Random(1));
        Assert.Equal([first, second], sent, (x, y) => Math.Abs(x - y) < 1e-12);
    }

    [Fact]
    public async Task Inner_products_turn_what_was_learnt_round()
    {
        var sent = await SendAsync("inner_product:10", seed: 1);
        AssertIdentical(Of(Array("n", ArrayType.Int64, 8L), Floats("w", 1 - (10 * 0.5f), 2 + (10 * 1f))), sent);
    }

    [Fact]
    public void Labels_are_flipped_and_nothing_else_is()
    {
        var attack = Read("label_flip:9");
        Assert.Equal([9, 0, 5, 10, 255], attack.Falsify(new NamedArray("y_train", ArrayType.UInt8, [5], new byte[] { 0, 9, 4, 10, 255 })).Data.ToArray());
        AssertIdentical(Of(Array("y_train", ArrayType.Int64, 7L, -1L)), Of(attack.Falsify(Array("y_train", ArrayType.Int64, 2L, -1L))));
        var other = Array("y_test", ArrayType.Int64, 2L);
        Assert.Same(other, attack.Falsify(other));
    }

    [Fact]
    public async Task A_node_that_flips_labels_reads_its_own_data_so()
    {
        var datasets = new ArraysInMemory(Of(Array("y_train", ArrayType.Int64, 3L), Array("y_test", ArrayType.Int64, 3L)));
        using var read = await new Local(datasets, falsify: Read("label_flip:9").Falsify).GetDataAsync("digits", CancellationToken.None);
        AssertIdentical(Of(Array("y_train", ArrayType.Int64, 6L), Array("y_test", ArrayType.Int64, 3L)), read);
    }

    [Theory]
    // Of 1, 2 and -3 with 10, 20 and 30 samples.
    [InlineData("mean", -40 / 60.0)]
    [InlineData("median", 1)]
    public async Task A_byzantine_node_bends_the_mean_and_not_the_median(string rule, double expected)
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.AddNodeAsync(swarm.Settings("node_2") with { Attack = Read("sign_flip:1") });
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1, minimumNodes: 3).Replace(
            "\"type\": \"FedAvg\"", $"\"type\": \"Aggregate\", \"options\": {{ \"aggregate\": [\"{rule}\"] }}", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(expected / 10, end.History[0].Metrics["test_metrics.accuracy"], 5);
    }

    private static ContributionAttack Read(string text) => ContributionAttack.Parse(text, participants: 11, attackers: 2);

    private sealed class ArraysInMemory(NamedArrays arrays) : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => ["digits"];

        public string? Find(string dataset) => null;

        public NamedArrays? InMemory(string dataset) => arrays;
    }

    private static async Task<NamedArrays> SendAsync(string attack, ulong seed)
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Array("n", ArrayType.Int64, 7L), Floats("w", 1, 2)));
        var attacked = new AttackedStore(store, Read(attack), seed, round: 1, "node_0");
        using var global = await new Globals(attacked).GetWeightsAsync(Global, CancellationToken.None);
        using var learnt = Of(Array("n", ArrayType.Int64, 8L), Floats("w", 1.5f, 1));
        new Results(attacked).Add("model_params", learnt, samples: 3);
        return (NamedArrays)store.StagedResults["model_params"];
    }
}
