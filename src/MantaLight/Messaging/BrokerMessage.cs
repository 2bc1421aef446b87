using System.Buffers;

namespace MantaLight.Messaging;

/// <summary>A message that a broker delivered.</summary>
/// <param name="Name">The topic, without wildcards.</param>
/// <param name="Payload">The bytes; they belong to the receiver and stay valid after the handler has returned, until it releases them (<see cref="PayloadBuffer"/>), which it need not.</param>
/// <param name="Retained">True when the broker replayed it from its retained store because of a subscription.</param>
public readonly record struct BrokerMessage(TopicName Name, ReadOnlySequence<byte> Payload, bool Retained)
{
    /// <summary>The topic as it is written.</summary>
    public string Topic => Name.Text;

    /// <summary>What it takes while it waits, in bytes: its payload and its topic.</summary>
    public long Size => Payload.Length + Name.ByteCount;
}

/// <summary>A message on its way to the broker.</summary>
/// <param name="Name">The topic, without wildcards.</param>
/// <param name="Payload">The bytes; they may point into native memory and must stay valid until the publish has completed.</param>
/// <param name="Retain">Whether the broker keeps it for later subscribers; an empty payload removes what it kept.</param>
/// <param name="Delivery">Whether the broker's acknowledgement is waited for.</param>
public readonly record struct OutboundMessage(
    TopicName Name, ReadOnlySequence<byte> Payload, bool Retain = false, Delivery Delivery = Delivery.AtLeastOnce)
{
    /// <summary>The topic as it is written.</summary>
    public string Topic => Name.Text;

    /// <summary>A message over one block of memory.</summary>
    public OutboundMessage(TopicName topic, ReadOnlyMemory<byte> payload, bool retain = false, Delivery delivery = Delivery.AtLeastOnce)
        : this(topic, new ReadOnlySequence<byte>(payload), retain, delivery)
    {
    }
}

/// <summary>The two MQTT qualities of service that the protocol uses (QoS 2 is never used).</summary>
public enum Delivery
{
    /// <summary>QoS 0: fire and forget, for beats and progress.</summary>
    AtMostOnce = 0,

    /// <summary>QoS 1: the broker acknowledges; duplicates are possible and everybody deduplicates.</summary>
    AtLeastOnce = 1,
}
