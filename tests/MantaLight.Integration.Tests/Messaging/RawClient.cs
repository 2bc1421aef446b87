using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MantaLight.Integration.Tests.Messaging;

/// <summary>A client of bytes, for what no proper client does.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly TcpClient client = new() { ReceiveBufferSize = 4096 };

    private NetworkStream Stream => client.GetStream();

    public static async Task<RawClient> ConnectAsync(int port)
    {
        var raw = new RawClient();
        await raw.client.ConnectAsync(IPAddress.Loopback, port);
        return raw;
    }

    /// <summary>Introduces itself by MQTT 5 and reads the answer.</summary>
    public async Task<byte[]> GreetAsync(string clientId)
    {
        await SendAsync([0x10, (byte)(13 + clientId.Length), 0, 4, .. "MQTT"u8, 5, 2, 0, 0, 0, 0, (byte)clientId.Length, .. Encoding.ASCII.GetBytes(clientId)]);
        return await ReadPacketAsync();
    }

    /// <summary>Subscribes with QoS 0 and reads the answer.</summary>
    public async Task SubscribeAsync(string filter)
    {
        await SendAsync([0x82, (byte)(6 + filter.Length), 0, 1, 0, 0, (byte)filter.Length, .. Encoding.ASCII.GetBytes(filter), 0]);
        await ReadPacketAsync();
    }

    public async Task SendAsync(byte[] bytes) => await Stream.WriteAsync(bytes);

    /// <summary>Reads a short packet.</summary>
    public async Task<byte[]> ReadPacketAsync()
    {
        var header = new byte[2];
        await Stream.ReadExactlyAsync(header).AsTask().WaitAsync(Shared.Inbox.Patience);
        var body = new byte[header[1]];
        await Stream.ReadExactlyAsync(body).AsTask().WaitAsync(Shared.Inbox.Patience);
        return [.. header, .. body];
    }

    /// <summary>Whether the other side has hung up, after whatever it still sends.</summary>
    public async Task WaitForEndAsync()
    {
        var buffer = new byte[65_536];
        try
        {
            while (await Stream.ReadAsync(buffer).AsTask().WaitAsync(Shared.Inbox.Patience) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Reset: hung up as well.
        }
    }

    public void Dispose() => client.Dispose();
}
