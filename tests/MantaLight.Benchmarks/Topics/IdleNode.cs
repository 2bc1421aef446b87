using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Names = MantaLight.Protocol.Topics;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The first two packets of a node's connection, in MQTT 5: who it is with what is to be said when it dies, and what it listens to.</summary>
internal static class IdleNode
{
    private const int KeepAlive = 600; // A node's is 15 s; these do not ping.
    private const int ReceiveMaximum = 64;
    private const int LargestPacket = 8 << 20;

    // As long as a presence is that names a data set and a module.
    private const int PresenceBytes = 500;

    private static readonly Names Names = new("local");
    private static readonly byte[] Will = [.. Enumerable.Repeat((byte)'x', PresenceBytes)];

    /// <summary>CONNECT: clean start, and a retained will of QoS 1 two seconds after the end.</summary>
    public static byte[] Connect(int index) => Packet(0x10,
    [
        .. Text("MQTT"), 5, 0b0010_1110, .. Short(KeepAlive),
        // Session expiry, receive maximum, largest packet.
        .. Block([0x11, .. Long(3), 0x21, .. Short(ReceiveMaximum), 0x27, .. Long(LargestPacket)]),
        .. Text($"local.{Id(index)}"),
        // The will's delay.
        .. Block([0x18, .. Long(2)]),
        .. Text(Names.Presence(Id(index))), .. Short(Will.Length), .. Will,
    ]);

    /// <summary>SUBSCRIBE to all that a node does, with QoS 1, in one packet.</summary>
    public static byte[] Subscribe(int index)
    {
        var id = Id(index);
        string[] filters =
        [
            Names.Inbox(id), Names.AllNodeBlobs(id), Names.Schedule("+", id),
            Names.Control("+"), Names.Coordinator("+"), Names.Beat("+"), Names.Lost("+"), Names.Census("+"), Names.State("+"),
            Names.AllPresence, Names.AllDefinitions,
        ];
        return Packet(0x82, [.. Short(1), .. Block([]), .. filters.SelectMany(f => Text(f).Append((byte)1))]);
    }

    private static string Id(int index) => $"idle_{index.ToString(CultureInfo.InvariantCulture)}";

    private static byte[] Packet(byte type, byte[] content) => [type, .. Length(content.Length), .. content];

    private static byte[] Block(byte[] properties) => [.. Length(properties.Length), .. properties];

    // Seven bits a byte, the least first.
    private static byte[] Length(int length) => length < 128 ? [(byte)length] : [(byte)(length | 128), .. Length(length >> 7)];

    private static byte[] Text(string text) => [.. Short(text.Length), .. Encoding.ASCII.GetBytes(text)];

    private static byte[] Short(int number)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)number);
        return bytes;
    }

    private static byte[] Long(int number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return bytes;
    }
}
