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
            return WebSocketStream.Create(socket, WebSocketMessageType.Binary, ownsWebSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
