using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>A few real nodes, very many participants by script, and a broker as it comes: 1,000 messages for each client, some thousand a second.</summary>
internal sealed class CrowdScene : IDisposable
{
    private readonly World world;
    private readonly MeterListener meters = new();
    private readonly int thread = Environment.CurrentManagedThreadId;

    public CrowdScene(CrowdHabits habits, BrokerTemper? temper = null, int nodes = 3)
    {
        world = new World(habits.Size);
        Crowd = new Crowd(world, temper ?? Ordinary, habits, "crowd");
        Nodes = [.. Enumerable.Range(0, nodes).Select(i => new CrowdNode(world, Crowd.Broker, string.Create(CultureInfo.InvariantCulture, $"node_{i}")))];
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument == Telemetry.Dropped)
                listener.EnableMeasurementEvents(instrument);
        };
        // Other tests run beside this one, on other threads.
        meters.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            if (Environment.CurrentManagedThreadId == thread && tags[0].Value is not (Telemetry.Stale or Telemetry.LowerAuthority))
                DroppedByNodes += (int)count;
        });
        meters.Start();
    }

    /// <summary>As mosquitto and EMQX come, on a local network.</summary>
    public static BrokerTemper Ordinary { get; } = new()
    {
        Limits = new BrokerLimits { MaximumPacketSize = 1 << 20, ReplaysRetainedByWildcard = true }, QueueLimit = 1000, InFlight = 32,
    };

    public Crowd Crowd { get; }

    public CrowdFigures Figures => Crowd.Figures;

    public IReadOnlyList<CrowdNode> Nodes { get; }

    public World World => world;

    /// <summary>Messages that the real nodes dropped: their queues were full, or nobody could read them.</summary>
    public int DroppedByNodes { get; private set; }

    /// <summary>The definition: everybody works, the real nodes do the rest.</summary>
    public static string Definition(int rounds, int minimumNodes) => string.Create(CultureInfo.InvariantCulture, $$"""
        {
          "name": "crowd", "module": "{{SimulatedNode.Module}}",
          "tasks": [
            { "alias": "worker", "type": "CrowdWorker", "method": "all" },
            { "alias": "aggregator", "type": "FedAvg", "specified_ids": ["node_0", "node_1", "node_2"], "after": ["worker"] },
            { "alias": "scheduler", "type": "PatientScheduler", "specified_ids": ["node_0", "node_1", "node_2"], "after": ["aggregator"] }
          ],
          "rounds": { "maximum": {{rounds}}, "deadline": "00:10:00", "minimum_nodes": {{minimumNodes}}, "retries": 3 }
        }
        """);

    public void Publish(string definition) =>
        Crowd.Broker.PublishFrom("owner", Crowd.Topics.Definition(Crowd.Swarm), Encoding.UTF8.GetBytes(definition), retain: true);

    public void StartNodes()
    {
        foreach (var node in Nodes)
            node.Start();
    }

    /// <summary>Runs until it is so; false where it is not within the time.</summary>
    public bool Run(Func<bool> until, double seconds)
    {
        var reached = world.Run(until, world.Now + TimeSpan.FromSeconds(seconds));
        return world.Failure is null ? reached : throw new InvalidOperationException(world.Failure);
    }

    public void Run(double seconds) => Run(() => false, seconds);

    public void Dispose() => meters.Dispose();
}
