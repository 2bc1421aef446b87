using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using MQTTnet.Adapter;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace MantaLight.Broker.Listening;

/// <summary>
/// One client's socket or WebSocket. The library's own channels allocate whatever size a header claims; this one
/// refuses a packet beyond the limit before a byte of it is kept.
/// </summary>
internal sealed class BrokerChannel(ConnectionContext connection, EmbeddedBrokerOptions options, BrokerCounters counters, ILogger logger)
    : IMqttChannelAdapter
{
    /// <summary>The prefix of the ids that clients without one are given.</summary>
    public const string AssignedIdPrefix = "auto-";

    private readonly PipeReader input = connection.Transport.Input;
    private readonly PipeWriter output = connection.Transport.Output;
    private readonly SemaphoreSlim writing = new(1);

    public string? ClientId { get; private set; }

    /// <summary>Called when the client has introduced itself.</summary>
    public Action<BrokerChannel>? Introduced { get; init; }

    public long BytesReceived { get; private set; }

    public long BytesSent { get; private set; }

    public X509Certificate2? ClientCertificate => null;

    public EndPoint? RemoteEndPoint => connection.RemoteEndPoint;

    public EndPoint? LocalEndPoint => connection.LocalEndPoint;

    public bool IsSecureConnection => false;

    // It grows with what is sent: most of very many clients are sent a few bytes now and then.
    public MqttPacketFormatterAdapter PacketFormatterAdapter { get; } = new(new MqttBufferWriter(256, 65_535));

    public Task ConnectAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<MqttPacket?> ReceivePacketAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(cancellationToken);
                var buffer = read.Buffer;
                if (PacketHeader.TryRead(buffer, out var header))
                {
                    if (header.PacketSize > options.MaximumPacketSize)
                        await RefuseOversizedAsync(header, cancellationToken);
                    if (buffer.Length >= header.PacketSize)
                        return Decode(header, buffer);
                }

                if (read.IsCompleted)
                    return null;
                input.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        catch (Exception problem) when (problem is IOException or ConnectionAbortedException or InvalidOperationException)
        {
            throw new MqttCommunicationException(problem);
        }
    }

    public async Task SendPacketAsync(MqttPacket packet, CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken);
        try
        {
            var encoded = PacketFormatterAdapter.Encode(packet);
            output.Write(encoded.Packet);
            foreach (var part in encoded.Payload)
                output.Write(part.Span);
            BytesSent += encoded.Length;
            var flushed = await output.FlushAsync(cancellationToken);
            if (flushed.IsCompleted)
                throw new MqttCommunicationException("The client closed the connection.");
        }
        catch (Exception problem) when (problem is IOException or ConnectionAbortedException or InvalidOperationException)
        {
            throw new MqttCommunicationException(problem);
        }
        finally
        {
            PacketFormatterAdapter.Cleanup();
            writing.Release();
        }
    }

    public async Task DisconnectAsync(CancellationToken cancellationToken)
    {
        // A write that is still under way is one that the client does not take: waiting for it would be for ever.
        if (!await writing.WaitAsync(0, CancellationToken.None))
        {
            Abort("the client does not read");
            return;
        }

        await input.CompleteAsync();
        await output.CompleteAsync();
        writing.Release();
    }

    /// <summary>Closes the socket at once, with whatever is under way.</summary>
    public void Abort(string reason) => connection.Abort(new ConnectionAbortedException(reason));

    public void ResetStatistics() => (BytesReceived, BytesSent) = (0, 0);

    public void Dispose()
    {
        // The semaphore is left alone: disposing it would leave whoever waits for it waiting for ever.
    }

    private MqttPacket Decode(in PacketHeader header, in ReadOnlySequence<byte> buffer)
    {
        // The formatter copies what it keeps, so the body can be borrowed.
        var body = ArrayPool<byte>.Shared.Rent(Math.Max(1, header.BodySize));
        try
        {
            buffer.Slice(header.HeaderSize, header.BodySize).CopyTo(body);
            input.AdvanceTo(buffer.GetPosition(header.PacketSize));
            BytesReceived += header.PacketSize;

            var received = new ReceivedMqttPacket(header.Flags, new ArraySegment<byte>(body, 0, header.BodySize), header.PacketSize);
            if (PacketFormatterAdapter.ProtocolVersion == MqttProtocolVersion.Unknown)
                PacketFormatterAdapter.DetectProtocolVersion(received);
            var packet = PacketFormatterAdapter.Decode(received) ?? throw new MqttProtocolViolationException("Malformed packet.");
            if (packet is MqttConnectPacket connect)
                Introduce(connect);
            return packet;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }
    }

    private void Introduce(MqttConnectPacket connect)
    {
        if (string.IsNullOrEmpty(connect.ClientId) && connect.CleanSession)
            connect.ClientId = AssignedIdPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        ClientId = connect.ClientId;
        Introduced?.Invoke(this);
    }

    private async Task RefuseOversizedAsync(PacketHeader header, CancellationToken cancellationToken)
    {
        counters.CountOversized();
        Log.Oversized(logger, ClientId ?? RemoteEndPoint?.ToString() ?? "?", header.PacketSize, options.MaximumPacketSize);
        if (PacketFormatterAdapter.ProtocolVersion == MqttProtocolVersion.V500)
            await SendPacketAsync(new MqttDisconnectPacket { ReasonCode = MqttDisconnectReasonCode.PacketTooLarge }, cancellationToken);
        throw new MqttCommunicationException($"A packet of {header.PacketSize} bytes; {options.MaximumPacketSize} are allowed.");
    }
}
