using System.Net;
using System.Net.Sockets;
using MantaLight.Cli.Chaos.Proxy;

namespace MantaLight.Integration.Tests.Chaos;

public sealed class ProxyDoorTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TcpListener broker = new(IPAddress.Loopback, 0);
    private readonly ProxyDoor door;

    public ProxyDoorTests()
    {
        broker.Start();
        door = new ProxyDoor(() => ((IPEndPoint)broker.LocalEndpoint).Port, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await door.DisposeAsync();
        broker.Stop();
    }

    [Fact]
    public async Task Bytes_pass_both_ways_and_so_does_the_end()
    {
        var (client, there) = await ConnectAsync();
        using (client)
        using (there)
        {
            var sent = Bytes(300_000);
            var sending = SendAsync(client, sent);
            Assert.Equal(sent, await ReadAsync(there, sent.Length));
            await sending;
            await SendAsync(there, [1, 2, 3]);
            Assert.Equal([1, 2, 3], await ReadAsync(client, 3));
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await there.ReceiveAsync(new byte[1]).WaitAsync(Patience));
        }
    }

    [Fact]
    public async Task A_cut_lets_exactly_so_many_bytes_pass_and_then_resets_both_sides()
    {
        var (client, there) = await ConnectAsync();
        using (client)
        using (there)
        {
            var cut = door.CutAfter(100_001);
            var sending = SendAsync(client, Bytes(1 << 20));
            var arrived = 0;
            await Assert.ThrowsAsync<SocketException>(async () =>
            {
                var buffer = new byte[4096];
                while (await there.ReceiveAsync(buffer).WaitAsync(Patience) is var count and > 0)
                    arrived += count;
            });
            Assert.InRange(arrived, 0, 100_001); // a reset may overtake what lies in buffers
            Assert.Equal(100_001, await cut.WaitAsync(Patience));
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await sending;
                Assert.True(await client.ReceiveAsync(new byte[1]).WaitAsync(Patience) > 0);
            });
        }
        // The next connection is whole again.
        var (again, thereAgain) = await ConnectAsync();
        using (again)
        using (thereAgain)
        {
            await SendAsync(again, Bytes(200_000));
            Assert.Equal(Bytes(200_000), await ReadAsync(thereAgain, 200_000));
        }
    }

    [Fact]
    public async Task Latency_delays_each_direction_without_changing_what_arrives()
    {
        var (client, there) = await ConnectAsync();
        using (client)
        using (there)
        {
            door.Latency = TimeSpan.FromMilliseconds(300);
            var began = TimeProvider.System.GetTimestamp();
            await SendAsync(client, Bytes(1000));
            Assert.Equal(Bytes(1000), await ReadAsync(there, 1000));
            Assert.InRange(TimeProvider.System.GetElapsedTime(began).TotalSeconds, 0.29, 10);
            await SendAsync(there, [7]);
            Assert.Equal([7], await ReadAsync(client, 1));
            Assert.InRange(TimeProvider.System.GetElapsedTime(began).TotalSeconds, 0.58, 10);
        }
    }

    [Fact]
    public async Task Where_no_broker_listens_the_client_is_reset()
    {
        broker.Stop();
        using var client = new TcpClient();
        // The reset may come before the client knows that it was connected.
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await client.ConnectAsync(IPAddress.Loopback, door.Uri.Port);
            await client.Client.ReceiveAsync(new byte[1]).WaitAsync(Patience);
        });
    }

    private static byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(i * 31 >> 3))];

    private static async Task SendAsync(Socket to, byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
            sent += await to.SendAsync(bytes.AsMemory(sent)).AsTask().WaitAsync(Patience);
    }

    private static async Task<byte[]> ReadAsync(Socket from, int count)
    {
        var bytes = new byte[count];
        for (var read = 0; read < count;)
        {
            var some = await from.ReceiveAsync(bytes.AsMemory(read)).AsTask().WaitAsync(Patience);
            Assert.NotEqual(0, some);
            read += some;
        }
        return bytes;
    }

    private async Task<(Socket Client, Socket There)> ConnectAsync()
    {
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPAddress.Loopback, door.Uri.Port);
        return (client, await broker.AcceptSocketAsync().WaitAsync(Patience));
    }
}
