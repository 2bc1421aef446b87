using System.Net;
using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// What the MQTT library reads and writes its packets by. It connects, subscribes, pings and says goodbye; messages and their acknowledgements pass it by
/// (<see cref="PacketWriter"/>, <see cref="PacketReader"/>), which model-sized payloads need.
/// </summary>
internal sealed class LinkAdapter(MqttClientOptions options, TimeSpan keepAlive, PacketWriter writer, IPacketSink sink, Action<Exception> broke) : IMqttChannelAdapter
{
    private readonly Lock encoding = new();
    private Stream? stream;
    private PacketReader? reader;

    // What the library's last request but for publishes is numbered there: it makes one at a time.
    private volatile ushort requested;

    public long BytesReceived => 0;

    public long BytesSent => 0;

    public X509Certificate2 ClientCertificate => null!;

    public EndPoint RemoteEndPoint => null!;

    public EndPoint LocalEndPoint => null!;

    public bool IsSecureConnection => false;

    public MqttPacketFormatterAdapter PacketFormatterAdapter { get; } =
        new(options.ProtocolVersion, new MqttBufferWriter(options.WriterBufferSize, options.WriterBufferSizeMax));

    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        stream = await LinkStream.OpenAsync(options, cancellationToken);
        reader = new PacketReader(stream, PacketFormatterAdapter, sink);
        writer.Start(stream, broke);
    }

    public Task DisconnectAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public async Task<MqttPacket> ReceivePacketAsync(CancellationToken cancellationToken)
    {
        var packet = reader is null ? null : await reader.ReadAsync(cancellationToken);
        if (packet is MqttPacketWithIdentifier { PacketIdentifier: PublishWindow.OtherIdentifier } answer)
            answer.PacketIdentifier = requested;
        // Told to the link alone, or the library would keep it by pings of its own.
        if (packet is MqttConnAckPacket accepted)
        {
            sink.Accepted(accepted.ServerKeepAlive);
            accepted.ServerKeepAlive = 0;
        }
        return packet!;
    }

    public async Task SendPacketAsync(MqttPacket packet, CancellationToken cancellationToken)
    {
        if (packet is MqttPacketWithIdentifier request)
            (requested, request.PacketIdentifier) = (request.PacketIdentifier, PublishWindow.OtherIdentifier);
        if (packet is MqttConnectPacket connect)
            connect.KeepAlivePeriod = (ushort)Math.Clamp(keepAlive.TotalSeconds, 1, ushort.MaxValue);
        byte[] bytes;
        lock (encoding)
            bytes = PacketFormatterAdapter.Encode(packet).ToArray();
        try
        {
            await writer.SendAsync(bytes).WaitAsync(cancellationToken);
        }
        catch (IOException problem)
        {
            throw new MqttCommunicationException(problem);
        }
    }

    public void ResetStatistics()
    {
    }

    public void Dispose() => stream?.Dispose();

    /// <summary>Makes the one of a link.</summary>
    internal sealed class Factory(TimeSpan keepAlive, PacketWriter writer, IPacketSink sink, Action<Exception> broke) : IMqttClientAdapterFactory
    {
        public IMqttChannelAdapter CreateClientAdapter(MqttClientOptions options, MqttPacketInspector packetInspector, IMqttNetLogger logger) =>
            new LinkAdapter(options, keepAlive, writer, sink, broke);
    }
}
