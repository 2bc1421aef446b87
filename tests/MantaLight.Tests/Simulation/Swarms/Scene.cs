using System.Buffers;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>The nodes, the owner and the broker of a history in which nothing goes wrong but what a test brings about.</summary>
internal sealed class Scene : IWireObserver
{
    private readonly World world;
    private readonly HistoryPlan plan;
    private readonly Evidence evidence;
    private readonly FaultyBroker broker;
    private readonly Owner owner;
    private readonly List<TaskUpdate> updates = [];

    private Scene(HistoryPlan plan)
    {
        this.plan = plan;
        world = new World(plan.Seed);
        evidence = new Evidence(world, plan);
        broker = new FaultyBroker(world, plan.Temper, Draw.For(plan.Seed, "broker"), this);
        var mutations = new Mutations(plan.Mutation);
        Nodes = [.. plan.Nodes.Select(id => new SimulatedNode(world, broker, plan, id, evidence, mutations))];
        owner = new Owner(world, broker, plan);
    }

    public IReadOnlyList<SimulatedNode> Nodes { get; }

    public IReadOnlyDictionary<string, SwarmState> States => evidence.States;

    /// <summary>What nodes have said of their attempts.</summary>
    public IReadOnlyList<TaskUpdate> Updates => updates;

    /// <summary>How many attempts have begun.</summary>
    public int Attempts => evidence.Attempts.Count;

    /// <summary>Nodes that are online when the swarms are published.</summary>
    public static Scene Begin(int nodes, int rounds, params IEnumerable<string> swarms) => Begin(nodes, rounds, swarm => swarm, swarms);

    /// <summary>The same with swarms that are changed.</summary>
    public static Scene Begin(int nodes, int rounds, Func<SwarmPlan, SwarmPlan> change, params IEnumerable<string> swarms)
    {
        string[] ids = [.. Enumerable.Range(0, nodes).Select(i => $"node_{i}")];
        var scene = new Scene(HistoryPlan.Of(1) with
        {
            Nodes = [.. ids],
            Swarms = [.. swarms.Select(name => change(new SwarmPlan
            {
                Name = name, Rounds = rounds, MinimumNodes = nodes, Quorum = 1, Retries = 3, Deadline = TimeSpan.FromMinutes(10), Published = TimeSpan.FromSeconds(10), Whims = 0,
            }))],
            Temper = new BrokerTemper(), Faults = 0, SkewsClocks = false,
        });
        foreach (var node in scene.Nodes)
            node.Start();
        scene.owner.Start();
        return scene;
    }

    public TimeSpan Now => world.Now;

    public SimulatedNode Node(string id) => Nodes.Single(n => n.Id == id);

    /// <summary>Who has the seat of a swarm.</summary>
    public CoordinatorClaim? Claim(string swarm) => broker.Retained.TryGetValue(owner.Topics.Coordinator(swarm), out var claim)
        ? ProtocolJson.Read<CoordinatorClaim>(new ReadOnlySequence<byte>(claim), out _) : null;

    /// <summary>Runs until it is so, which must be within five minutes.</summary>
    public void Run(Func<bool> until)
    {
        if (!world.Run(until, world.Now + TimeSpan.FromMinutes(5)) || world.Failure is not null)
            throw new InvalidOperationException(world.Failure ?? string.Join('\n', States.Values.Select(s => $"{s.Swarm} is {s.Status} in round {s.Round}: {s.Waiting}")));
    }

    /// <summary>Runs until every swarm has ended.</summary>
    public void RunToTheEnd() => Run(() => plan.Swarms.All(s => States.TryGetValue(s.Name, out var state) && state.Status.IsFinal()));

    public void After(TimeSpan span, Action action) => world.After(span, action);

    void IWireObserver.Published(string client, string topic, byte[] payload, bool retain, bool late)
    {
        if (topic.Contains("/tasks/", StringComparison.Ordinal) && ProtocolJson.Read<ControlMessage>(new ReadOnlySequence<byte>(payload), out _) is TaskUpdate update)
            updates.Add(update);
        evidence.Published(client, topic, payload, retain, late);
    }

    void IWireObserver.RetainedLost() => evidence.RetainedLost();
}
