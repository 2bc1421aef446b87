using System.Net;
using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Formatter;
using MQTTnet.Implementations;
using MQTTnet.Packets;

namespace MantaLight.Mqtt.Connections;

/// <summary>The library's own way from packets to bytes, but for the reading (<see cref="PacketReader"/>) and the pieces in which it writes (<see cref="WholeWrites"/>).</summary>
internal sealed class PromptAdapter : IMqttChannelAdapter
{
    private readonly MqttChannelAdapter inner;
    private readonly PacketReader reader;

    private PromptAdapter(MqttClientOptions options, IMqttNetLogger logger)
    {
        // A frame of a WebSocket is one message, whatever its pieces: nothing is to be put together there.
        MQTTnet.Channel.IMqttChannel channel = options.ChannelOptions is MqttClientWebSocketOptions web ? new MqttWebSocketChannel(web) : new WholeWrites(new MqttTcpChannel(options));
        var formatter = new MqttPacketFormatterAdapter(options.ProtocolVersion, new MqttBufferWriter(options.WriterBufferSize, options.WriterBufferSizeMax));
        inner = new MqttChannelAdapter(channel, formatter, logger) { AllowPacketFragmentation = options.AllowPacketFragmentation };
        reader = new PacketReader(channel, formatter);
    }

    public long BytesReceived => inner.BytesReceived;

    public long BytesSent => inner.BytesSent;

    public X509Certificate2 ClientCertificate => inner.ClientCertificate;

    public EndPoint RemoteEndPoint => inner.RemoteEndPoint;

    public EndPoint LocalEndPoint => inner.LocalEndPoint;

    public bool IsSecureConnection => inner.IsSecureConnection;

    public MqttPacketFormatterAdapter PacketFormatterAdapter => inner.PacketFormatterAdapter;

    public Task ConnectAsync(CancellationToken cancellationToken) => inner.ConnectAsync(cancellationToken);

    public Task DisconnectAsync(CancellationToken cancellationToken) => inner.DisconnectAsync(cancellationToken);

    public Task<MqttPacket> ReceivePacketAsync(CancellationToken cancellationToken) => reader.ReadAsync(cancellationToken)!;

    public Task SendPacketAsync(MqttPacket packet, CancellationToken cancellationToken) => inner.SendPacketAsync(packet, cancellationToken);

    public void ResetStatistics() => inner.ResetStatistics();

    public void Dispose() => inner.Dispose();

    /// <summary>Makes one for each connection of a client.</summary>
    internal sealed class Factory : IMqttClientAdapterFactory
    {
        /// <summary>The one that all clients share.</summary>
        public static Factory Instance { get; } = new();

        public IMqttChannelAdapter CreateClientAdapter(MqttClientOptions options, MqttPacketInspector packetInspector, IMqttNetLogger logger) => new PromptAdapter(options, logger);
    }
}
