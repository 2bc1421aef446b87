using System.Buffers;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using MQTTnet.Channel;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// Sends a packet's header together with the beginning of its payload. By themselves they are two calls of the system, two segments on the line, and a broker that is woken twice.
/// </summary>
internal sealed class WholeWrites(IMqttChannel inner) : IMqttChannel
{
    private readonly byte[] first = new byte[16 * 1024];
    private int held;

    public X509Certificate2 ClientCertificate => inner.ClientCertificate;

    public EndPoint RemoteEndPoint => inner.RemoteEndPoint;

    public EndPoint LocalEndPoint => inner.LocalEndPoint;

    public bool IsSecureConnection => inner.IsSecureConnection;

    public Task ConnectAsync(CancellationToken cancellationToken) => inner.ConnectAsync(cancellationToken);

    public Task DisconnectAsync(CancellationToken cancellationToken) => inner.DisconnectAsync(cancellationToken);

    public Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => inner.ReadAsync(buffer, offset, count, cancellationToken);

    public async Task WriteAsync(ReadOnlySequence<byte> buffer, bool isEndOfPacket, CancellationToken cancellationToken)
    {
        // The library writes a packet in two pieces at most, one packet after the other.
        if (!isEndOfPacket && buffer.Length <= first.Length)
        {
            buffer.CopyTo(first);
            held = (int)buffer.Length;
            return;
        }
        if (held > 0)
        {
            var room = (int)Math.Min(first.Length - held, buffer.Length);
            buffer.Slice(0, room).CopyTo(first.AsSpan(held));
            buffer = buffer.Slice(room);
            var together = new ReadOnlySequence<byte>(first, 0, held + room);
            held = 0;
            await inner.WriteAsync(together, buffer.IsEmpty, cancellationToken);
        }
        if (!buffer.IsEmpty)
            await inner.WriteAsync(buffer, isEndOfPacket, cancellationToken);
    }

    public void Dispose() => inner.Dispose();
}
