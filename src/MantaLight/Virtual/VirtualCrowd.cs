using System.Collections.Immutable;
using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Weights.Packing;

namespace MantaLight.Virtual;

/// <summary>All virtual nodes on one connection: they say who is there, hear what is scheduled, and tell what becomes of it.</summary>
internal sealed class VirtualCrowd(VirtualSwarmSettings settings, IBrokerConnection connection, TimeProvider time)
{
    private readonly Topics topics = new(settings.Cluster);
    private readonly ImmutableDictionary<string, (VirtualNode Node, MessageStamp Stamp)> nodes =
        settings.Nodes.ToImmutableDictionary(n => n.Id, n => (n, new MessageStamp(n.Id, "virtual", time)), StringComparer.Ordinal);

    // Whoever says something, a task that logs among them, does not wait for the broker.
    private readonly Channel<OutboundMessage> said = Channel.CreateUnbounded<OutboundMessage>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Listens for what is to be done, and says who is there.</summary>
    public async Task ComeAsync(VirtualSlots slots, CancellationToken cancellationToken)
    {
        await connection.SubscribeAsync(topics.Schedule(settings.Swarm, "+"), message => Scheduled(message, slots), cancellationToken);
        await connection.SubscribeAsync(topics.Inbox("+"), message =>
        {
            if (ProtocolJson.ReadOwn<CancelAttempt>(message.Payload) is { } cancel)
                slots.Cancel(cancel.Attempt);
        }, cancellationToken);
        // Whatever the definition asks of a machine, these are of that kind; they share what they tell alike.
        ImmutableArray<string> tags = [.. settings.Definition.Tasks.SelectMany(t => t.Tags).Distinct()], modules = [settings.Definition.Module];
        var resources = new NodeResources { Gpu = settings.Definition.Tasks.Any(t => t.Gpu) };
        foreach (var node in settings.Nodes)
        {
            await connection.PublishAsync(Message(topics.Presence(node.Id), node.Id, new Presence
            {
                Status = NodeStatus.Online, Datasets = node.Sizes, Modules = modules, Concurrency = 1, Codecs = PackingPlan.Known, Tags = tags, Resources = resources,
            }, retain: true), cancellationToken);
        }
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

    private void Scheduled(BrokerMessage message, VirtualSlots slots)
    {
        if (topics.Split(message.Topic) is [.., var id] && nodes.TryGetValue(id, out var known) && ProtocolJson.ReadOwn<ScheduleAttempt>(message.Payload) is { } schedule)
            slots.Add(known.Node, schedule);
    }

    private OutboundMessage Message(string topic, string node, ControlMessage message, bool retain = false) =>
        new(topic, ProtocolJson.Write(nodes[node].Stamp.Stamp(message)), retain);
}
