using System.Net;
using System.Net.Sockets;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>What a round's bytes cost over plain TCP: each node receives a model and sends one, all at once.</summary>
internal static class PlainTcp
{
    public static Sample Milliseconds(int nodes, int bytes) => MillisecondsAsync(nodes, bytes).GetAwaiter().GetResult();

    private static async Task<Sample> MillisecondsAsync(int nodes, int bytes)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var clients = new TcpClient[nodes];
        var servers = new TcpClient[nodes];
        for (var i = 0; i < nodes; i++)
        {
            clients[i] = new TcpClient { NoDelay = true };
            await clients[i].ConnectAsync((IPEndPoint)listener.LocalEndpoint);
            servers[i] = await listener.AcceptTcpClientAsync();
        }
        var model = new byte[bytes];
        var buffers = Enumerable.Range(0, 2 * nodes).Select(_ => new byte[bytes]).ToArray();
        var times = new List<double>();
        for (var run = 0; run < 30; run++)
        {
            var began = System.Diagnostics.Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, nodes).Select(i => Task.Run(() => ServeAsync(servers[i].GetStream(), model, buffers[2 * i])))
                .Concat(Enumerable.Range(0, nodes).Select(i => Task.Run(() => AnswerAsync(clients[i].GetStream(), buffers[(2 * i) + 1])))));
            times.Add(System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        foreach (var client in clients.Concat(servers))
            client.Dispose();
        return Sample.Of(times.Skip(5).ToArray());
    }

    private static async Task ServeAsync(NetworkStream stream, byte[] model, byte[] buffer)
    {
        await stream.WriteAsync(model);
        await stream.ReadExactlyAsync(buffer);
    }

    private static async Task AnswerAsync(NetworkStream stream, byte[] buffer)
    {
        await stream.ReadExactlyAsync(buffer);
        await stream.WriteAsync(buffer);
    }
}
