using MantaLight.Messaging;
using MQTTnet.Packets;

namespace MantaLight.Mqtt.Connections;

/// <summary>Takes what a link's reader finds, on its thread: it must not wait.</summary>
internal interface IPacketSink
{
    /// <summary>The broker has answered the CONNECT.</summary>
    /// <param name="keepAlive">The seconds of silence that it takes at most; 0 where it takes what it was told.</param>
    void Accepted(ushort keepAlive);

    /// <summary>A message has come.</summary>
    /// <param name="message">It, with one hold of its payload.</param>
    /// <param name="identifier">What it is to be acknowledged by; 0 where it is not.</param>
    void Received(in BrokerMessage message, ushort identifier);

    /// <summary>The broker has answered a publish.</summary>
    /// <param name="identifier">The publish's.</param>
    /// <param name="refusal">The answer where it is no success.</param>
    void Acknowledged(ushort identifier, MqttPubAckPacket? refusal);
}
