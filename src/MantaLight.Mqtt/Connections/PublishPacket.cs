using System.Buffers.Binary;
using MantaLight.Messaging;

namespace MantaLight.Mqtt.Connections;

/// <summary>The bytes of PUBLISH and PUBACK (MQTT 5, 3.3 and 3.4), the only packets that come by the hundred. Others are the library's.</summary>
internal static class PublishPacket
{
    public const int PublishType = 3, AcknowledgementType = 4;

    /// <summary>The size of an acknowledgement without a reason.</summary>
    public const int AcknowledgementSize = 4;

    private const byte RetainFlag = 1, AtLeastOnceFlag = 2;

    /// <summary>The size of the whole packet, in bytes.</summary>
    public static long Size(in OutboundMessage message)
    {
        var rest = Rest(message);
        return 1 + NumberSize(rest) + rest;
    }

    /// <summary>The most that comes before its payload, in bytes.</summary>
    public static int MostHeader(in OutboundMessage message) => 1 + 4 + 2 + message.Name.ByteCount + 2 + 1;

    /// <summary>Writes what comes before the payload.</summary>
    /// <returns>How many bytes.</returns>
    public static int WriteHeader(in OutboundMessage message, ushort identifier, Span<byte> target)
    {
        var acknowledged = message.Delivery == Delivery.AtLeastOnce;
        target[0] = (byte)(PublishType << 4 | (acknowledged ? AtLeastOnceFlag : 0) | (message.Retain ? RetainFlag : 0));
        var at = 1;
        var rest = (uint)Rest(message);
        for (; rest >= 0x80; rest >>= 7)
            target[at++] = (byte)(rest | 0x80);
        target[at++] = (byte)rest;
        var topic = message.Name.WriteTo(target[(at + 2)..]);
        BinaryPrimitives.WriteUInt16BigEndian(target[at..], (ushort)topic);
        at += 2 + topic;
        if (acknowledged)
        {
            BinaryPrimitives.WriteUInt16BigEndian(target[at..], identifier);
            at += 2;
        }
        // No properties.
        target[at++] = 0;
        return at;
    }

    /// <summary>Writes an acknowledgement.</summary>
    public static void WriteAcknowledgement(ushort identifier, Span<byte> target)
    {
        target[0] = AcknowledgementType << 4;
        target[1] = 2;
        BinaryPrimitives.WriteUInt16BigEndian(target[2..], identifier);
    }

    /// <summary>Reads a number of seven bits a byte (MQTT 5, 1.5.5); false where it goes on beyond what is there or beyond four bytes.</summary>
    public static bool TryReadNumber(ReadOnlySpan<byte> from, out int number, out int bytes)
    {
        number = 0;
        for (bytes = 0; bytes < Math.Min(4, from.Length);)
        {
            var next = from[bytes];
            number |= (next & 0x7f) << (7 * bytes++);
            if (next < 0x80)
                return true;
        }
        return false;
    }

    // Topic with its length, packet identifier with QoS 1, an empty list of properties.
    private static long Rest(in OutboundMessage message) =>
        2 + message.Name.ByteCount + (message.Delivery == Delivery.AtLeastOnce ? 2 : 0) + 1 + message.Payload.Length;

    private static int NumberSize(long number) => number < 128 ? 1 : number < 16_384 ? 2 : number < 2_097_152 ? 3 : 4;
}
