using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MantaLight.Messaging;
using MQTTnet.Adapter;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// The reading side of one link: what comes is read in large pieces, and the payload of a large message straight from the stream into memory that is used again. Messages and
/// acknowledgements go to the link and cost no memory; other packets, which are rare, are the library's.
/// </summary>
internal sealed class PacketReader(Stream stream, MqttPacketFormatterAdapter formatter, IPacketSink sink)
{
    private const int ReadAhead = 64 * 1024;

    // Shorter ones are copied out of what was read ahead.
    private const int LargePayload = 16 * 1024;

    private const byte RetainFlag = 1;
    private const int QualityShift = 1, QualityMask = 3;

    private readonly TopicCache topics = new();
    private readonly byte[] ahead = new byte[ReadAhead];
    private int start;
    private int end;

    private ReadOnlySpan<byte> Ready => ahead.AsSpan(start, end - start);

    /// <summary>Reads until there is a packet for the library; null where the connection has ended.</summary>
    /// <exception cref="MqttCommunicationException">It broke in the middle of a packet.</exception>
    /// <exception cref="MqttProtocolViolationException">What came is not MQTT.</exception>
    public async Task<MqttPacket?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await BeginAsync(cancellationToken))
            {
                var (type, header) = (Ready[0] >> 4, Ready[0]);
                if (await ReadLengthAsync(cancellationToken) is not (>= 0 and var length))
                    return null;
                if (type == PublishPacket.PublishType)
                {
                    if (!await ReadPublishAsync(header, length, cancellationToken))
                        return null;
                }
                else if (type == PublishPacket.AcknowledgementType && length <= LargePayload)
                {
                    if (!await ReadAcknowledgementAsync(header, length, cancellationToken))
                        return null;
                }
                else
                {
                    return await ReadWholeAsync(length, cancellationToken) is { Array: not null } body ? Decode(header, body, length) : null;
                }
            }
            return null;
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

    /// <summary>Takes a packet's first bytes; less than 0 where the connection has ended.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadLengthAsync(CancellationToken cancellationToken)
    {
        int length, bytes;
        while (!PublishPacket.TryReadNumber(Ready[1..], out length, out bytes))
        {
            if (Ready.Length > 4)
                throw new MqttProtocolViolationException("A packet's length is longer than four bytes.");
            if (!await HaveAsync(Ready.Length + 1, cancellationToken))
                return -1;
        }
        start += 1 + bytes;
        return length <= MqttEndpoint.LargestPacket
            ? length
            : throw new MqttProtocolViolationException($"A packet of {length} bytes came, where {MqttEndpoint.LargestPacket} at most were asked for.");
    }

    /// <summary>Reads a packet's body, where it is if it is short; without an array where the connection ended before.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ArraySegment<byte>> ReadWholeAsync(int length, CancellationToken cancellationToken)
    {
        if (length <= ReadAhead)
        {
            if (!await HaveAsync(length, cancellationToken))
                return default;
            start += length;
            return new ArraySegment<byte>(ahead, start - length, length);
        }
        var body = GC.AllocateUninitializedArray<byte>(length);
        return await FillAsync(body, length, cancellationToken) ? body : default(ArraySegment<byte>);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReadAcknowledgementAsync(byte header, int length, CancellationToken cancellationToken)
    {
        var body = await ReadWholeAsync(length, cancellationToken);
        if (body.Array is null)
            return false;
        if (length < 2 || (header & 0b1111) != 0)
            throw new MqttProtocolViolationException("An acknowledgement came that has no identifier, or flags.");
        var identifier = BinaryPrimitives.ReadUInt16BigEndian(body);
        // No reason is success, and so is any below 0x80.
        sink.Acknowledged(identifier, length > 2 && body[2] >= 0x80 ? (MqttPubAckPacket)Decode(header, body, length) : null);
        return true;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReadPublishAsync(byte header, int length, CancellationToken cancellationToken)
    {
        var shown = Math.Min(length, LargePayload);
        if (!await HaveAsync(shown, cancellationToken))
            return false;
        if (length == shown || !TryReadHead(header, Ready[..shown], out var head))
        {
            // Short, or with more before its payload than anybody sends.
            var body = await ReadWholeAsync(length, cancellationToken);
            if (body.Array is null)
                return false;
            if (!TryReadHead(header, body, out head))
                throw new MqttProtocolViolationException("A message is shorter than what comes before its payload.");
            sink.Received(new BrokerMessage(head.Topic, new ReadOnlySequence<byte>(body.AsSpan(head.Length).ToArray()), head.IsRetained), head.Identifier);
            return true;
        }
        start += head.Length;
        var size = length - head.Length;
        var payload = PayloadBuffer.Rent(size);
        if (!await FillAsync(payload.Bytes, size, cancellationToken))
            return false;
        sink.Received(new BrokerMessage(head.Topic, payload.Take(size), head.IsRetained), head.Identifier);
        return true;
    }

    /// <summary>Reads what comes before a message's payload; false where more is needed.</summary>
    private bool TryReadHead(byte header, ReadOnlySpan<byte> body, out MessageHead head)
    {
        head = default;
        var quality = (header >> QualityShift) & QualityMask;
        if (quality > 1)
            throw new MqttProtocolViolationException($"A message of QoS {quality} came, where 1 at most was asked for.");
        if (body.Length < 2)
            return false;
        var topic = BinaryPrimitives.ReadUInt16BigEndian(body);
        var at = 2 + topic + 2 * quality;
        if (body.Length <= at)
            return false;
        if (topic == 0)
            throw new MqttProtocolViolationException("A message without a topic came.");
        var identifier = quality == 0 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(body[(2 + topic)..]);
        if (quality == 1 && identifier == 0)
            throw new MqttProtocolViolationException("A message with the packet identifier 0 came.");
        if (!PublishPacket.TryReadNumber(body[at..], out var properties, out var bytes))
        {
            return body.Length - at >= 4
                ? throw new MqttProtocolViolationException("The length of a message's properties is longer than four bytes.")
                : false;
        }
        at += bytes + properties;
        if (at > body.Length)
            return false;
        head = new MessageHead(topics.Read(body.Slice(2, topic)), identifier, (header & RetainFlag) != 0, at);
        return true;
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
            var read = await stream.ReadAsync(target.AsMemory(filled, length - filled), cancellationToken);
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
            var read = await stream.ReadAsync(ahead.AsMemory(end), cancellationToken);
            if (read == 0)
                return false;
            end += read;
        }
        return true;
    }

    /// <summary>What comes before a message's payload, and in how many bytes.</summary>
    private readonly record struct MessageHead(TopicName Topic, ushort Identifier, bool IsRetained, int Length);
}
