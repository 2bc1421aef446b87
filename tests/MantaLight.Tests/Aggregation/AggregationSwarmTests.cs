using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Aggregation;

/// <summary>Every part that docs/aggregation.md has, in a swarm whose definition alone says it.</summary>
public sealed class AggregationSwarmTests
{
    [Theory]
    [InlineData("\"mean\"")]
    [InlineData("\"mean weights=uniform\"")]
    [InlineData("\"mean weights=train_metrics.loss\"")]
    [InlineData("\"fed_nova metric=train_metrics.samples\"")]
    [InlineData("\"clip 1.0\", \"private_mean noise=0.1 expected=7 noise_source=seed\"")]
    [InlineData("\"median\"")]
    [InlineData("\"trimmed_mean 0.1\"")]
    [InlineData("\"trimmed_mean b=2\"")]
    [InlineData("\"krum f=2\"")]
    [InlineData("{ \"part\": \"multi_krum\", \"f\": 2, \"m\": 3 }")]
    [InlineData("\"bulyan f=1\"")]
    [InlineData("\"geometric_median\"")]
    [InlineData("\"centered_clip 1.0 iterations=2\"")]
    [InlineData("\"clip 1.0\", \"trimmed_mean 0.1\", \"adam lr=0.03\"")]
    [InlineData("\"momentum lr=0.5 nesterov=true\"")]
    [InlineData("\"adagrad\"")]
    [InlineData("{ \"part\": \"yogi\", \"lr\": 0.1, \"tau\": 0.01 }")]
    public async Task A_part_works_in_a_swarm(string parts)
    {
        var end = await RunAsync(parts);
        Assert.Equal((RunStatus.Completed, 2), (end.Status, end.Round));
        // Something was learnt in each round.
        Assert.Equal(2, end.History.Select(h => h.GlobalSha256).Distinct().Count());
    }

    [Fact]
    public async Task Another_swarm_of_the_same_definition_comes_to_the_same_bits()
    {
        const string Parts = "\"clip 1.0\", \"geometric_median\", \"adam lr=0.03\"";
        var (one, other) = (await RunAsync(Parts), await RunAsync(Parts));
        Assert.Equal(one.History.Select(h => h.GlobalSha256), other.History.Select(h => h.GlobalSha256));
    }

    [Fact]
    public async Task Too_few_for_a_rule_are_told_in_the_state()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(Definition("\"krum f=1\"", nodes: 2));
        var end = await swarm.WaitForEndAsync();
        Assert.NotEqual(RunStatus.Completed, end.Status);
        Assert.Contains("needs at least 2f + 3 = 5 contributions, and there are 2", end.Reason, StringComparison.Ordinal);
    }

    private static async Task<SwarmState> RunAsync(string parts)
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 7);
        await swarm.PublishDefinitionAsync(Definition(parts, nodes: 7));
        return await swarm.WaitForEndAsync();
    }

    private static string Definition(string parts, int nodes) => SwarmHarness.Definition(rounds: 2, minimumNodes: nodes).Replace(
        "\"type\": \"FedAvg\"", $"\"type\": \"Aggregate\", \"options\": {{ \"aggregate\": [{parts}] }}", StringComparison.Ordinal);
}
