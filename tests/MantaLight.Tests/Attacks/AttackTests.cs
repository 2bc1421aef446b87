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
        ContributionAttack.Parse("gaussian:0.1").Corrupt(draws, new Random(5));
        Assert.Equal(0, draws.Average(), 2e-3);
        Assert.Equal(0.1, Math.Sqrt(draws.Average(d => d * d)), 2e-3);
    }

    [Theory]
    [InlineData("sign_flip")]
    [InlineData("sign_flip:0")]
    [InlineData("sign_flip:x")]
    [InlineData("sign_flip:1:2")]
    [InlineData("label_flip:1")]
    [InlineData("")]
    public void What_is_no_attack_is_refused_with_what_is_possible(string text) =>
        Assert.Contains("sign_flip:S", Assert.Throws<InvalidSettingException>(() => ContributionAttack.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    // Of 1, 2 and -3 with 10, 20 and 30 samples.
    [InlineData("mean", -40 / 60.0)]
    [InlineData("median", 1)]
    public async Task A_byzantine_node_bends_the_mean_and_not_the_median(string rule, double expected)
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.AddNodeAsync(swarm.Settings("node_2") with { Attack = ContributionAttack.Parse("sign_flip:1") });
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1, minimumNodes: 3).Replace(
            "\"type\": \"FedAvg\"", $"\"type\": \"Aggregate\", \"options\": {{ \"aggregate\": [\"{rule}\"] }}", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        Assert.Equal(expected / 10, end.History[0].Metrics["test_metrics.accuracy"], 5);
    }

    private static async Task<NamedArrays> SendAsync(string attack, ulong seed)
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Array("n", ArrayType.Int64, 7L), Floats("w", 1, 2)));
        var attacked = new AttackedStore(store, ContributionAttack.Parse(attack), seed);
        using var global = await new Globals(attacked).GetWeightsAsync(Global, CancellationToken.None);
        using var learnt = Of(Array("n", ArrayType.Int64, 8L), Floats("w", 1.5f, 1));
        new Results(attacked).Add("model_params", learnt, samples: 3);
        return (NamedArrays)store.StagedResults["model_params"];
    }
}
