using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Virtual;
using MantaLight.Weights;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Torch.Tests.Support;

/// <summary>A whole swarm in this process, with data in memory.</summary>
internal static class VirtualRun
{
    /// <summary>Runs a definition to its end.</summary>
    /// <param name="definition">What to run; its tasks are of the assembly of <typeparamref name="TTask"/>.</param>
    /// <param name="dataset">The data set's name.</param>
    /// <param name="nodes">Each node's arrays.</param>
    /// <param name="heard">Told of each small result: its tag and value.</param>
    /// <param name="slots">Attempts at once.</param>
    public static async Task<SwarmState> RunAsync<TTask>(
        SwarmDefinition definition, string dataset, IReadOnlyList<IReadOnlyList<NamedArray>> nodes, Action<string, System.Text.Json.JsonElement>? heard = null, int slots = 2)
        where TTask : SwarmTask
    {
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { ReplaysRetainedByWildcard = true } });
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var watcher = await broker.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, CancellationToken.None);
        await watcher.SubscribeAsync(
            $"mantalight/{VirtualSwarmSettings.Cluster}/#",
            message =>
            {
                foreach (var result in ProtocolJson.ReadOwn<ControlMessage>(message.Payload) is TaskCompleted completed ? completed.Results : [])
                {
                    if (result.Content.Value is { } value)
                        heard?.Invoke(result.Tag, value);
                }
            },
            CancellationToken.None);
        await using var swarm = new VirtualSwarm(
            new VirtualSwarmSettings
            {
                Swarm = definition.Name, Definition = definition, Catalog = new TaskCatalog(typeof(TTask).Assembly), Services = services, Slots = slots,
                Nodes = [.. nodes.Select((arrays, n) => new VirtualNode($"node_{n}", new Arrays(dataset, arrays), [new PresentDataset { Name = dataset }]))],
            },
            broker, NullLoggerFactory.Instance, TimeProvider.System);
        var end = await swarm.RunAsync(TestContext.Current.CancellationToken);
        await watcher.CloseAsync(CancellationToken.None);
        return end;
    }

    private sealed class Arrays(string name, IReadOnlyList<NamedArray> arrays) : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [name];

        public string? Find(string dataset) => null;

        public NamedArrays? InMemory(string dataset) => dataset == name ? new NamedArrays(arrays) : null;
    }
}
