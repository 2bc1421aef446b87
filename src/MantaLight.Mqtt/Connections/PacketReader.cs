using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MantaLight.Messaging;
using MQTTnet.Adapter;
using MQTTnet.Channel;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// Reads packets in large pieces, and the payload of a large message straight from the socket into memory that is used again. The library's own way takes a byte at a time of a header,
/// 4 KiB at a time of a body, and two arrays for each message.
/// </summary>
internal sealed class PacketReader(IMqttChannel channel, MqttPacketFormatterAdapter formatter)
{
    private const int ReadAhead = 64 * 1024;

    // Shorter ones are copied out of what was read ahead.
    private const int LargePayload = 16 * 1024;

    private const int PublishType = 3;
    private const byte HasIdentifier = 0b0110;

    private readonly byte[] ahead = new byte[ReadAhead];
    private int start;
    private int end;

    private ReadOnlySpan<byte> Ready => ahead.AsSpan(start, end - start);

    /// <summary>The next packet; null where the connection has ended.</summary>
    /// <exception cref="MqttCommunicationException">It broke in the middle of a packet.</exception>
    /// <exception cref="MqttProtocolViolationException">What came is not MQTT.</exception>
    public async Task<MqttPacket?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!await BeginAsync(cancellationToken))
                return null;
            var header = Ready[0];
            int length, bytes;
            while (!TryReadNumber(Ready[1..], out length, out bytes))
            {
                if (Ready.Length > 4)
                    throw new MqttProtocolViolationException("A packet's length is longer than four bytes.");
                if (!await HaveAsync(Ready.Length + 1, cancellationToken))
                    return null;
            }
            start += 1 + bytes;
            if (length > MqttEndpoint.LargestPacket)
                throw new MqttProtocolViolationException($"A packet of {length} bytes came, where {MqttEndpoint.LargestPacket} at most were asked for.");
            return header >> 4 == PublishType && length > LargePayload
                ? await ReadPublishAsync(header, length, cancellationToken)
                : await ReadWholeAsync(header, length, cancellationToken);
        }
        catch (Exception problem) when (problem is OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
        catch (Exception problem) when (problem is not (MqttCommunicationException or MqttProtocolViolationException))
        {
            throw new MqttCommunicationException(problem);
        }
    }

    /// <summary>Waits for a packet's first two bytes; a connection that breaks between packets has ended.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> BeginAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await HaveAsync(2, cancellationToken);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<MqttPacket?> ReadWholeAsync(byte header, int length, CancellationToken cancellationToken)
    {
        if (length <= ReadAhead)
        {
            if (!await HaveAsync(length, cancellationToken))
                return null;
            var packet = Decode(header, new ArraySegment<byte>(ahead, start, length), length);
            start += length;
            return packet;
        }
        var body = GC.AllocateUninitializedArray<byte>(length);
        return await FillAsync(body, length, cancellationToken) ? Decode(header, body, length) : null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<MqttPacket?> ReadPublishAsync(byte header, int length, CancellationToken cancellationToken)
    {
        if (!await HaveAsync(2, cancellationToken))
            return null;
        // Topic, identifier, and the length of the properties, which is one to four bytes.
        var head = 2 + BinaryPrimitives.ReadUInt16BigEndian(Ready) + ((header & HasIdentifier) != 0 ? 2 : 0);
        if (head + 4 > Math.Min(length, ReadAhead))
            return await ReadWholeAsync(header, length, cancellationToken);
        if (!await HaveAsync(head + 4, cancellationToken))
            return null;
        if (!TryReadNumber(Ready[head..], out var properties, out var bytes))
            throw new MqttProtocolViolationException("The length of a message's properties is longer than four bytes.");
        head += bytes + properties;
        if (head > Math.Min(length, ReadAhead))
            return await ReadWholeAsync(header, length, cancellationToken);
        if (!await HaveAsync(head, cancellationToken))
            return null;
        var packet = Decode(header, new ArraySegment<byte>(ahead, start, head), length);
        start += head;
        var size = length - head;
        var payload = PayloadBuffer.Rent(size);
        if (!await FillAsync(payload.Bytes, size, cancellationToken))
            return null;
        if (packet is MqttPublishPacket publish)
            publish.Payload = payload.Take(size);
        return packet;
    }

    // Its total length is more than its body's: one of no bytes at all would be none.
    private MqttPacket Decode(byte header, ArraySegment<byte> body, int length) =>
        formatter.Decode(new ReceivedMqttPacket(header, body, 2 + length)) ?? throw new MqttProtocolViolationException("What came is not a packet.");

    /// <summary>Takes so many bytes, first of what was read ahead; false where the connection ended before.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> FillAsync(byte[] target, int length, CancellationToken cancellationToken)
    {
        var filled = Math.Min(length, end - start);
        Ready[..filled].CopyTo(target);
        start += filled;
        while (filled < length)
        {
            var read = await channel.ReadAsync(target, filled, length - filled, cancellationToken);
            if (read == 0)
                return false;
            filled += read;
        }
        return true;
    }

    /// <summary>Reads ahead until so many bytes are there, at most <see cref="ReadAhead"/>; false where the connection ended before.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> HaveAsync(int count, CancellationToken cancellationToken)
    {
        while (end - start < count)
        {
            if (start == end)
                (start, end) = (0, 0);
            if (start + count > ReadAhead)
            {
                Ready.CopyTo(ahead);
                (start, end) = (0, end - start);
            }
            var read = await channel.ReadAsync(ahead, end, ReadAhead - end, cancellationToken);
            if (read == 0)
                return false;
            end += read;
        }
        return true;
    }

    /// <summary>Reads a number of seven bits a byte (MQTT 5, 1.5.5); false where it goes on beyond what is there or beyond four bytes.</summary>
    private static bool TryReadNumber(ReadOnlySpan<byte> from, out int number, out int bytes)
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
}
