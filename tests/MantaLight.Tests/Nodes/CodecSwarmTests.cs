using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tests.Aggregation;
using MantaLight.Weights.Packing;

namespace MantaLight.Tests.Nodes;

/// <summary>Swarms whose weights travel packed.</summary>
public sealed class CodecSwarmTests
{
    [Theory]
    [InlineData("""{ "model_params": "zstd" }""", true)]
    [InlineData("""{ "model_params": ["delta", "zstd"], "global_model_params": "zstd 9" }""", true)]
    [InlineData("""{ "model_params": ["delta", "int8", "zstd"], "global_model_params": "bf16" }""", false)]
    [InlineData("""{ "model_params": ["delta", "top_k 0.5"] }""", false)]
    public async Task A_swarm_ends_with_its_model_however_its_weights_travel(string codecs, bool isLossless)
    {
        var plain = await RunAsync("{}");
        var packed = await RunAsync(codecs);
        Assert.Equal(RunStatus.Completed, packed.End.Status);
        Assert.Contains(packed.Records, r => r is { Alias: "worker" } && r.Results.Any(x => x is { Tag: "model_params", Content.Blob.Format: ValueFormat.Packed }));
        Assert.Equal(codecs.Contains("\"global_model_params\"", StringComparison.Ordinal), packed.End.Globals.Any(g => g.Content.Blob?.Format == ValueFormat.Packed));
        Assert.Equal(plain.Accuracy, packed.Accuracy, isLossless ? 0 : 0.05);
    }

    [Fact]
    public async Task A_global_cannot_travel_as_a_delta()
    {
        var run = await RunAsync("""{ "global_model_params": "delta length" }""");
        Assert.Equal(RunStatus.Failed, run.End.Status);
        Assert.Contains("Global 'global_model_params' cannot travel as a delta", run.End.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{ "model_params": "zstd" }""")]
    [InlineData("""{ "model_params": ["delta", "bf16", "zstd"], "global_model_params": "fp16" }""")]
    public async Task A_median_reads_all_contributions_together_from_files_however_they_have_travelled(string codecs)
    {
        var run = await RunAsync(codecs, nodes: 3, aggregator: nameof(MedianOfContributions));
        Assert.Equal(RunStatus.Completed, run.End.Status);
        // Nodes add 1, 2 and 3 in each of three rounds (the mean by samples would be 2 1/3); a tenth of the vector is the accuracy.
        Assert.Equal(0.6, run.Accuracy, 0.001);
    }

    [Fact]
    public async Task The_codecs_stand_in_the_state_and_nodes_tell_which_they_know()
    {
        var run = await RunAsync("""{ "model_params": ["delta", "int8"] }""");
        Assert.Equal(["delta", "int8"], Assert.Single(run.End.Codecs!.Value).Steps);
        Assert.Equal([.. PackingPlan.Known, "secure"], run.Presence!.Codecs);
    }

    private static async Task<Run> RunAsync(string codecs, int nodes = 2, string aggregator = "FedAvg")
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 3, minimumNodes: nodes, extra: $", \"codecs\": {codecs}")
            .Replace("\"retries\": 1", "\"retries\": 0", StringComparison.Ordinal).Replace("\"FedAvg\"", $"\"{aggregator}\"", StringComparison.Ordinal));
        var end = await swarm.WaitForEndAsync();
        var messages = swarm.Messages.Select(m => ProtocolJson.Read<ControlMessage>(m.Payload, out _)).ToArray();
        return new Run(
            end, [.. messages.OfType<TaskCompleted>()], messages.OfType<Presence>().FirstOrDefault(), end.History.LastOrDefault()?.Metrics["test_metrics.accuracy"] ?? 0);
    }

    private sealed record Run(SwarmState End, TaskCompleted[] Records, Presence? Presence, double Accuracy);
}
