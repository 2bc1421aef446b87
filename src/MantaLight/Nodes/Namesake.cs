using MantaLight.Concurrency;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Makes sure, before a node takes its id at the broker, that nobody alive has it.</summary>
internal static class Namesake
{
    /// <summary>Looks over a connection of another client id, so that a live owner is not pushed out by the question.</summary>
    /// <exception cref="NodeIdTakenException">Somebody with that id answered.</exception>
    public static async Task RefuseIfAliveAsync(IBroker broker, NodeSettings settings, MessageStamp stamp, CancellationToken cancellationToken)
    {
        var topics = settings.Topics;
        await using var connection = await broker.ConnectAsync(
            new ConnectionProfile { ClientId = $"{topics.Cluster}.{settings.Id}.{stamp.Incarnation}", Reconnect = false }, cancellationToken);
        var retained = new Awaited<Presence>();
        var word = new Awaited<Presence>();
        var question = stamp.Stamp(new AreYouThere());
        string? dead = null;
        await using var subscription = await connection.SubscribeAsync(topics.Presence(settings.Id), message =>
        {
            if (ProtocolJson.Read<Presence>(message.Payload, out _) is not { } presence)
                return;
            // A live one answers; of a dead one the broker may still say that it has gone, and bring what it had said before.
            if (!retained.TrySet(presence) && (presence.Status == NodeStatus.Online ? presence.Answers == question.Id : presence.Incarnation == Volatile.Read(ref dead)))
                word.TrySet(presence);
        }, cancellationToken);
        var found = await retained.WaitAsync(settings.Election.ReadBack, stamp.Time, cancellationToken);
        if (found is not { Status: NodeStatus.Online })
            return;
        Volatile.Write(ref dead, found.Incarnation);
        await connection.PublishAsync(new OutboundMessage(topics.Inbox(settings.Id), ProtocolJson.Write(question)), cancellationToken);
        if (await word.WaitAsync(settings.NamesakePatience, stamp.Time, cancellationToken) is { Status: NodeStatus.Online } live)
        {
            throw new NodeIdTakenException(
                $"The node id '{settings.Id}' is in use in cluster '{settings.Cluster}' by a process that started at {live.Started:u} on {live.Resources.Platform}. Choose another with --id, or stop that one.");
        }
    }
}
