using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Virtual;
using MantaLight.Weights;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Virtual;

/// <summary>A virtual swarm that has run to its end.</summary>
internal sealed class VirtualRun
{
    private readonly Dictionary<string, NamedArrays> globals;

    private VirtualRun(SwarmState end, IReadOnlyList<ControlMessage> messages, Dictionary<string, NamedArrays> globals) => (End, Messages, this.globals) = (end, messages, globals);

    public SwarmState End { get; }

    public IReadOnlyList<ControlMessage> Messages { get; }

    public IEnumerable<string?> Hashes => End.History.Select(h => h.GlobalSha256);

    /// <summary>Who completed a task, by round.</summary>
    public ILookup<int, string> Done(string alias) => Messages.OfType<TaskCompleted>().Where(c => c.Alias == alias).ToLookup(c => c.Round, c => c.From);

    public IEnumerable<SwarmState> States => Messages.OfType<SwarmState>();

    public NamedArrays Global(string tag) => globals[tag];

    public static async Task<VirtualRun> RunAsync(string definition, int nodes, int slots = 2, Func<VirtualSwarmSettings, VirtualSwarmSettings>? change = null)
    {
        var messages = new List<ControlMessage>();
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { ReplaysRetainedByWildcard = true } });
        await using var services = new ServiceCollection().BuildServiceProvider();
        var settings = new VirtualSwarmSettings
        {
            Swarm = "vectors", Definition = SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(definition)), Catalog = new TaskCatalog([typeof(SwarmHarness).Assembly]),
            Nodes = [.. Enumerable.Range(0, nodes).Select(n => new VirtualNode($"node_{n}", new NoData(), []))], Services = services, Slots = slots,
        };
        settings = change?.Invoke(settings) ?? settings;
        SwarmValidator.Check(settings.Definition, settings.Catalog);
        await using var watcher = await broker.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, CancellationToken.None);
        await watcher.SubscribeAsync($"mantalight/{VirtualSwarmSettings.Cluster}/#", message =>
        {
            if (ProtocolJson.ReadOwn<ControlMessage>(message.Payload) is { } heard)
                messages.Add(heard);
        }, CancellationToken.None);
        await using var swarm = new VirtualSwarm(settings, broker, NullLoggerFactory.Instance, TimeProvider.System);
        var end = await swarm.RunAsync(TestContext.Current.CancellationToken);
        await watcher.CloseAsync(CancellationToken.None);
        var globals = new Dictionary<string, NamedArrays>(StringComparer.Ordinal);
        foreach (var global in end.Globals.Where(g => g.Content.Blob is not null))
        {
            using var lent = swarm.Read(global.Content.Blob!);
            globals[global.Tag] = new NamedArrays(lent.Select(a => new NamedArray(a.Name, a.Type, a.Shape, a.Data.ToArray())));
        }
        return new VirtualRun(end, messages, globals);
    }

    private sealed class NoData : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}
