using MantaLight.Broker;
using MantaLight.Checkpoints;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Protocol;
using MantaLight.Shared;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Swarms;

/// <summary>A node, as any program hosts one, that keeps checkpoints beside it.</summary>
public sealed class NodeCheckpointTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-node-checkpoints-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_node_with_a_folder_keeps_the_rounds_of_the_clusters_swarms()
    {
        await using var broker = await EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0 }, NullLoggerFactory.Instance, TimeProvider.System, Cancelled);
        var kept = Path.Combine(folder.FullName, "kept");
        using (var host = Host(broker.Uri, kept))
        {
            await host.StartAsync(Cancelled);
            var end = await RunAsync(broker.Uri);
            Assert.Equal(RunStatus.Completed, end.Status);
            await SwarmHarness.EventuallyAsync(() => File.Exists(Path.Combine(kept, "vectors-round-3.safetensors")));
            await host.StopAsync(Cancelled);
            // Every second round and the last one; these rounds are so short that the second may be gone before it can be fetched.
            Assert.Subset(new HashSet<string> { "vectors-round-2.safetensors", "vectors-round-3.safetensors" }, Directory.EnumerateFiles(kept).Select(f => Path.GetFileName(f)!).ToHashSet());
            var last = await Checkpoint.ReadAsync(Path.Combine(kept, "vectors-round-3.safetensors"), Cancelled);
            Assert.Equal(end.History[^1].GlobalSha256, last.Info.Weights["global_model_params"]);
        }
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_to_keeps_the_node_from_starting()
    {
        await using var broker = await EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0 }, NullLoggerFactory.Instance, TimeProvider.System, Cancelled);
        var file = Path.Combine(folder.FullName, "file");
        await File.WriteAllTextAsync(file, "", Cancelled);
        using var host = Host(broker.Uri, file);
        var error = await Assert.ThrowsAsync<CheckpointException>(() => host.StartAsync(Cancelled));
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    private IHost Host(Uri broker, string checkpoints)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = [] });
        builder.Logging.ClearProviders();
        builder.Services
            .AddMqttConnection(options => options.Uri = broker)
            .AddSwarmModule(typeof(NodeCheckpointTests).Assembly)
            .AddSwarmNode(configure: node =>
            {
                (node.Id, node.StateFolder) = ("node_0", Path.Combine(folder.FullName, "state"));
                (node.Checkpoints, node.CheckpointEvery, node.KeepCheckpoints) = (checkpoints, 2, 2);
            });
        return builder.Build();
    }

    private static async Task<SwarmState> RunAsync(Uri broker)
    {
        var topics = new Topics("local");
        await using var owner = await new MqttBroker(new MqttBrokerOptions { Uri = broker }).ConnectAsync(new ConnectionProfile { ClientId = "owner" }, Cancelled);
        var ended = new TaskCompletionSource<SwarmState>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await owner.SubscribeAsync(topics.State("vectors"), message =>
        {
            if (ProtocolJson.Read<SwarmState>(message.Payload, out _) is { } state && state.Status.IsFinal())
                ended.TrySetResult(state);
        }, Cancelled);
        var definition = SwarmHarness.Definition(rounds: 3).Replace($"\"{SwarmHarness.Module}\"", $"\"{typeof(NodeCheckpointTests).Assembly.GetName().Name}\"", StringComparison.Ordinal);
        await owner.PublishAsync(new OutboundMessage(topics.Definition("vectors"), System.Text.Encoding.UTF8.GetBytes(definition), retain: true), Cancelled);
        return await ended.Task.WaitAsync(Patience, Cancelled);
    }
}
