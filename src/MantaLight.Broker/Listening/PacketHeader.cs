using System.Buffers;
using MQTTnet.Exceptions;

namespace MantaLight.Broker.Listening;

/// <summary>The fixed header that every MQTT packet starts with.</summary>
internal readonly record struct PacketHeader(byte Flags, int HeaderSize, int BodySize)
{
    private const int MostLengthBytes = 4;

    public int PacketSize => HeaderSize + BodySize;

    /// <returns>False when more bytes are needed.</returns>
    /// <exception cref="MqttProtocolViolationException">The length is not one.</exception>
    public static bool TryRead(in ReadOnlySequence<byte> buffer, out PacketHeader header)
    {
        header = default;
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryRead(out var flags))
            return false;

        var size = 0;
        for (var i = 0; i < MostLengthBytes; i++)
        {
            if (!reader.TryRead(out var part))
                return false;
            size |= (part & 0x7F) << (7 * i);
            if ((part & 0x80) != 0)
                continue;
            header = new PacketHeader(flags, 2 + i, size);
            return true;
        }

        throw new MqttProtocolViolationException("The remaining length has more than four bytes.");
    }
}
