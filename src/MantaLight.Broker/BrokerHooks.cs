using System.Buffers;
using MantaLight.Broker.Flow;
using MantaLight.Broker.Listening;
using MantaLight.Broker.Retained;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace MantaLight.Broker;

/// <summary>What the MQTT server is made to do beyond its own: limits, back-pressure, persistence, counting.</summary>
internal sealed class BrokerHooks(
    MqttServer server, EmbeddedBrokerOptions options, BrokerCounters counters, BackPressure pressure, PassingMemory passing, RetainedExpiries expiries,
    RetainedStore? store, IReadOnlyList<StoredMessage> stored, ILogger logger)
{
    public void Attach()
    {
        server.ValidatingConnectionAsync += OnValidating;
        server.InterceptingInboundPacketAsync += OnInbound;
        server.InterceptingOutboundPacketAsync += OnOutbound;
        server.InterceptingPublishAsync += OnPublishAsync;
        server.InterceptingClientEnqueueAsync += OnEnqueue;
        server.ApplicationMessageEnqueuedOrDroppedAsync += OnEnqueuedOrDropped;
        server.ClientSubscribedTopicAsync += args => Do(() => pressure.Subscribe(args.ClientId, args.TopicFilter.Topic));
        server.ClientUnsubscribedTopicAsync += args => Do(() => pressure.Unsubscribe(args.ClientId, args.TopicFilter));
        server.SessionDeletedAsync += args => Do(() => pressure.Forget(args.Id));
        server.LoadingRetainedMessageAsync += args => Do(() => args.LoadedRetainedMessages = [.. stored.Select(ToLibrary)]);
        if (store is not null)
            server.RetainedMessageChangedAsync += OnRetainedChangedAsync;
    }

    private static Task OnValidating(ValidatingConnectionEventArgs args)
    {
        if (args.ProtocolVersion == MqttProtocolVersion.V500 && args.ClientId.StartsWith(BrokerChannel.AssignedIdPrefix, StringComparison.Ordinal))
            args.AssignedClientIdentifier = args.ClientId;
        return Task.CompletedTask;
    }

    private Task OnInbound(InterceptingPacketEventArgs args)
    {
        if (args.Packet is MqttPublishPacket publish)
        {
            counters.CountIn(publish.Topic, publish.Payload.Length);
            passing.Note(publish.Payload.Length);
        }
        return Task.CompletedTask;
    }

    private Task OnOutbound(InterceptingPacketEventArgs args)
    {
        if (args.Packet is MqttPublishPacket publish)
        {
            counters.CountOut(publish.Topic, publish.Payload.Length);
            pressure.Taken(args.ClientId, publish.Payload.Length);
        }
        else if (args.Packet is MqttConnAckPacket accepted)
        {
            // The library announces no limits, and room for 65535 topic aliases.
            accepted.MaximumPacketSize = (uint)options.MaximumPacketSize;
            accepted.ReceiveMaximum = (ushort)options.ReceiveMaximum;
            accepted.TopicAliasMaximum = 0;
            if (!accepted.IsSessionPresent)
                pressure.Begin(args.ClientId);
        }

        return Task.CompletedTask;
    }

    private async Task OnPublishAsync(InterceptingPublishEventArgs args)
    {
        var message = args.ApplicationMessage;
        if (!args.ProcessPublish)
            return;
        Observe(message.Topic, message.Payload, args.ClientId);
        if (message.Retain)
            expiries.Note(message.Topic, message.Payload.IsEmpty, message.MessageExpiryInterval);
        await pressure.AdmitAsync(message.Topic, args.CancellationToken);
    }

    private void Observe(string topic, in ReadOnlySequence<byte> payload, string clientId)
    {
        try
        {
            options.OnPublish?.Invoke(topic, payload, clientId);
        }
        catch (Exception problem)
        {
            Log.ObserverThrew(logger, topic, problem);
        }
    }

    private async Task OnEnqueue(InterceptingClientApplicationMessageEnqueueEventArgs args)
    {
        // Replayed ones have no sender.
        var isReplay = args.SenderClientId.Length == 0;
        pressure.Enqueued(args.ReceiverClientId, args.ApplicationMessage.Payload.Length, isReplay);

        // The library tells of drops among published messages, but not among replayed ones.
        if (isReplay
            && await PendingAsync(args.ReceiverClientId) is var pending && pending >= options.MaximumPendingMessages)
        {
            ReportDrop(args.ReceiverClientId, args.ApplicationMessage, pending);
        }
    }

    private async Task OnEnqueuedOrDropped(ApplicationMessageEnqueuedEventArgs args)
    {
        if (args.IsDropped)
            ReportDrop(args.ReceiverClientId, args.ApplicationMessage, await PendingAsync(args.ReceiverClientId));
    }

    private void ReportDrop(string clientId, MqttApplicationMessage message, long pending)
    {
        pressure.Taken(clientId, message.Payload.Length);
        var soFar = counters.CountDropped();
        // Each power of two, so that a flood of drops does not become a flood of log lines.
        if ((soFar & (soFar - 1)) == 0)
            Log.Dropped(logger, message.Topic, clientId, pending, soFar);
    }

    private async Task<long> PendingAsync(string clientId)
    {
        try
        {
            return (await server.GetSessionAsync(clientId)).PendingApplicationMessagesCount;
        }
        catch (InvalidOperationException)
        {
            // The session went away in the meantime.
            return 0;
        }
    }

    private async Task OnRetainedChangedAsync(RetainedMessageChangedEventArgs args)
    {
        // What the server holds now, not what changed: two publishes to one topic can come here in the other order.
        var topic = args.ChangedRetainedMessage.Topic;
        var current = await server.GetRetainedMessageAsync(topic);
        store!.Put(topic, current is null ? null : new StoredMessage(topic, current.Payload, (int)current.QualityOfServiceLevel, expiries.Of(topic)));
    }

    private static MqttApplicationMessage ToLibrary(StoredMessage message) => new()
    {
        Topic = message.Topic,
        Payload = message.Payload,
        Retain = true,
        QualityOfServiceLevel = (MqttQualityOfServiceLevel)message.QualityOfService,
    };

    private static Task Do(Action action)
    {
        action();
        return Task.CompletedTask;
    }
}
