using System.Buffers;
using System.Globalization;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>
/// Very many participants by script. What they say goes through the broker like everything else, and waits in the queues of the
/// nodes that are real; what is said to them reaches them by a short way.
/// </summary>
internal sealed class Crowd : IWireObserver
{
    private readonly World world;
    private readonly Draw draw;
    private readonly Dictionary<string, CrowdParticipant> participants = new(StringComparer.Ordinal);

    public Crowd(World world, BrokerTemper temper, CrowdHabits habits, string swarm)
    {
        (this.world, Habits, Swarm) = (world, habits, swarm);
        draw = Draw.For(habits.Size, "crowd");
        Broker = new FaultyBroker(world, temper, Draw.For(habits.Size, "broker"), this);
        Figures = new CrowdFigures(world);
        var process = new SimulatedProcess(world, "crowd", TimeSpan.Zero);
        for (var i = 0; i < habits.Size; i++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"participant_{i:0000}");
            participants.Add(id, new CrowdParticipant(world, this, process.Clock, id, i));
        }
    }

    public CrowdHabits Habits { get; }

    public string Swarm { get; }

    public Topics Topics { get; } = new("sim");

    public FaultyBroker Broker { get; }

    public CrowdFigures Figures { get; }

    public IReadOnlyCollection<CrowdParticipant> Participants => participants.Values;

    /// <summary>The last committed state.</summary>
    public SwarmState? State { get; private set; }

    /// <summary>Everybody announces itself, one after the other.</summary>
    public void Join(TimeSpan over)
    {
        foreach (var participant in participants.Values)
            world.After(draw.Between(TimeSpan.Zero, over), participant.Announce);
    }

    public bool IsSettled(TaskUpdate update) => State is { } state && state.Run == update.Run && (state.Status.IsFinal() || state.Round > update.Round
        || state.Tasks.Any(t => t.Alias == update.Alias && t.Phase is TaskPhase.Committed or TaskPhase.Skipped));

    public void Send(string from, string topic, byte[] payload, bool retain = false, Delivery delivery = Delivery.AtLeastOnce) =>
        world.After(Latency(), () => Broker.PublishFrom(from, topic, payload, retain, delivery));

    public void Published(string client, string topic, byte[] payload, bool retain, bool late)
    {
        Figures.Published(client, topic, payload);
        var levels = Topics.Split(topic);
        var addressee = levels switch
        {
            ["nodes", var id, "inbox"] => id,
            ["swarms", _, "schedule", var id] => id,
            _ => "",
        };
        if (participants.TryGetValue(addressee, out var participant))
        {
            world.After(Latency(), () => participant.Receive(Read(payload)));
        }
        else if (levels is ["swarms", _, "tasks", var node])
        {
            Figures.Updated(node, payload, () => (TaskUpdate)Read(payload));
        }
        else if (levels is ["swarms", _, "coordinator", "census"])
        {
            var question = (WhoIsThere)Read(payload);
            foreach (var asked in participants.Values)
                world.After(Latency(), () => asked.Asked(question));
        }
        else if (levels is ["swarms", _, "state"] && payload.Length > 0)
        {
            var state = (SwarmState)Read(payload);
            Figures.Committed(state);
            world.After(Latency(), () => State = state);
        }
    }

    public void Waits(string client, string topic, int before, bool isDropped) => Figures.Waits(client, Topics.Split(topic), before, isDropped);

    public void RetainedLost()
    {
    }

    private TimeSpan Latency() => draw.Between(Broker.Temper.MinimumLatency, Broker.Temper.MaximumLatency);

    private static ControlMessage Read(byte[] payload) =>
        ProtocolJson.Read<ControlMessage>(new ReadOnlySequence<byte>(payload), out var problem) ?? throw new InvalidDataException(problem);
}
