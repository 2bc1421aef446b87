using System.Buffers;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using MQTTnet.Channel;

namespace MantaLight.Integration.Tests.Messaging;

/// <summary>Gives bytes in pieces, as a network may, and then ends; notes what is written, piece by piece.</summary>
internal sealed class PiecewiseChannel(byte[] bytes, Func<int> piece) : IMqttChannel
{
    private int position;

    public List<byte[]> Written { get; } = [];

    public X509Certificate2 ClientCertificate => null!;

    public EndPoint RemoteEndPoint => null!;

    public EndPoint LocalEndPoint => null!;

    public bool IsSecureConnection => false;

    public Task ConnectAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task DisconnectAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        Assert.True(count > 0);
        // Now and then what is asked for is not there yet.
        if (position % 3 == 0)
            await Task.Yield();
        var length = Math.Min(Math.Min(count, piece()), bytes.Length - position);
        bytes.AsSpan(position, length).CopyTo(buffer.AsSpan(offset));
        position += length;
        return length;
    }

    public Task WriteAsync(ReadOnlySequence<byte> buffer, bool isEndOfPacket, CancellationToken cancellationToken)
    {
        Written.Add(buffer.ToArray());
        return Task.CompletedTask;
    }

    public void Dispose()
    {
    }
}
