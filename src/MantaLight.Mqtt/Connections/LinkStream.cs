using System.Net.Security;
using System.Net.WebSockets;
using MQTTnet;

namespace MantaLight.Mqtt.Connections;

/// <summary>Opens what a link's bytes cross: a socket, TLS over one, or a WebSocket.</summary>
internal static class LinkStream
{
    public static async Task<Stream> OpenAsync(MqttClientOptions options, CancellationToken cancellationToken) => options.ChannelOptions switch
    {
        MqttClientTcpOptions tcp => await OpenSocketAsync(tcp, cancellationToken),
        MqttClientWebSocketOptions web => await OpenWebSocketAsync(new Uri(web.Uri), cancellationToken),
        var other => throw new NotSupportedException($"There is no way to connect by {other?.GetType().Name}."),
    };

    private static async Task<Stream> OpenSocketAsync(MqttClientTcpOptions options, CancellationToken cancellationToken)
    {
        var socket = await PromptSocket.ConnectAsync(options.RemoteEndpoint, options.BufferSize, cancellationToken);
        if (options.TlsOptions is not { UseTls: true } tls)
            return socket;
        var secure = new SslStream(socket);
        try
        {
            await secure.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = tls.TargetHost, CertificateRevocationCheckMode = tls.RevocationMode }, cancellationToken);
            return secure;
        }
        catch
        {
            await secure.DisposeAsync();
            throw;
        }
    }

    private static async Task<Stream> OpenWebSocketAsync(Uri uri, CancellationToken cancellationToken)
    {
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.AddSubProtocol("mqtt");
            await socket.ConnectAsync(uri, cancellationToken);
            return new WebSocketBytes(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of a WebSocket's binary messages, wherever one ends (MQTT 5, 6.0). Disposed, it is cut like a socket.</summary>
    private sealed class WebSocketBytes(ClientWebSocket socket) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (true)
            {
                var read = await socket.ReceiveAsync(buffer, cancellationToken);
                // An empty message is not the end.
                if (read.Count > 0 || read.MessageType == WebSocketMessageType.Close)
                    return read.Count;
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                socket.Dispose();
            base.Dispose(disposing);
        }
    }
}
