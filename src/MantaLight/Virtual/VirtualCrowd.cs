using System.Collections.Immutable;
using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.SecureAggregation;
using MantaLight.Weights.Packing;

namespace MantaLight.Virtual;

/// <summary>All virtual nodes on one connection: they say who is there, hear what is scheduled, and tell what becomes of it.</summary>
/// <param name="settings">The swarm.</param>
/// <param name="connection">Their own.</param>
/// <param name="time">The clock.</param>
/// <param name="take">Takes a message up, and ends the run where that fails.</param>
internal sealed class VirtualCrowd(VirtualSwarmSettings settings, IBrokerConnection connection, TimeProvider time, Action<BrokerMessage, Action<BrokerMessage>> take)
{
    private readonly Topics topics = new(VirtualSwarmSettings.Cluster);
    private readonly ImmutableDictionary<string, (VirtualNode Node, MessageStamp Stamp)> nodes =
        settings.Nodes.ToImmutableDictionary(n => n.Id, n => (n, new MessageStamp(n.Id, "virtual", time)), StringComparer.Ordinal);

    // Whoever says something, a task that logs among them, does not wait for the broker.
    private readonly Channel<OutboundMessage> said = Channel.CreateUnbounded<OutboundMessage>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Who is there: all of them, from the beginning.</summary>
    public ImmutableArray<Presence> Members { get; } = Describe(settings, time);

    /// <summary>Listens for what is to be done, and says who is there.</summary>
    public async Task ComeAsync(VirtualSlots slots, CancellationToken cancellationToken)
    {
        await connection.SubscribeAsync(topics.Schedule(settings.Swarm, "+"), message => take(message, m => Scheduled(m, slots)), cancellationToken);
        await connection.SubscribeAsync(topics.Inbox("+"), message => take(message, m => Cancelled(m, slots)), cancellationToken);
        foreach (var presence in Members)
            said.Writer.TryWrite(new OutboundMessage(topics.Presence(presence.From), ProtocolJson.Write(presence), retain: true));
    }

    /// <summary>Tells what has become of an attempt.</summary>
    public void Tell(TaskUpdate update) => said.Writer.TryWrite(Message(topics.Tasks(settings.Swarm, update.From), update.From, update));

    /// <summary>Tells a task's log record.</summary>
    public void Log(TaskLog log) => said.Writer.TryWrite(Message(topics.Logs(settings.Swarm, log.From), log.From, log));

    /// <summary>Sends what is told, in order, until it is cancelled.</summary>
    public async Task SpeakAsync(CancellationToken cancellationToken)
    {
        while (true)
            await connection.PublishAsync(await said.Reader.ReadAsync(cancellationToken), cancellationToken);
    }

    /// <summary>What is wrong with a message of this process that this process cannot read.</summary>
    public static InvalidOperationException Unreadable(BrokerMessage message) => new($"A message on {message.Topic} ({message.Payload.Length} bytes) cannot be read.");

    private void Scheduled(BrokerMessage message, VirtualSlots slots) =>
        slots.Add(nodes[topics.Split(message.Topic)[^1]].Node, ProtocolJson.ReadOwn<ScheduleAttempt>(message.Payload) ?? throw Unreadable(message));

    private void Cancelled(BrokerMessage message, VirtualSlots slots)
    {
        // Another swarm on the same broker may have a run of the same name.
        if (ProtocolJson.ReadOwn<CancelAttempt>(message.Payload) is { } cancel && cancel.Swarm == settings.Swarm)
            slots.Cancel(cancel.Attempt);
    }

    private OutboundMessage Message(string topic, string node, ControlMessage message) => new(topic, ProtocolJson.Write(nodes[node].Stamp.Stamp(message)));

    private static ImmutableArray<Presence> Describe(VirtualSwarmSettings settings, TimeProvider time)
    {
        // Whatever the definition asks of a machine, these are of that kind; they share what they tell alike.
        ImmutableArray<string> tags = [.. settings.Definition.Tasks.SelectMany(t => t.Tags).Distinct()], modules = [settings.Definition.Module], codecs = [.. PackingPlan.Known, SecureOptions.Capability];
        var resources = new NodeResources { Gpu = settings.Definition.Tasks.Any(t => t.Gpu) };
        return
        [
            .. settings.Nodes.Select(node => (Presence)new MessageStamp(node.Id, "virtual", time).Stamp(new Presence
            {
                Status = NodeStatus.Online, Datasets = node.Sizes, Modules = modules, Concurrency = 1, Codecs = codecs, Tags = tags, Resources = resources,
            })),
        ];
    }
}
