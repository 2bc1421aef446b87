using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>What a round's bytes cost over plain TCP: each node, in a process of its own, receives a model and sends one, all at once.</summary>
internal static class PlainTcp
{
    // Several times what a process takes to start.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Sample Milliseconds(int nodes, int bytes, int runs = 100, int warmUp = 50) => MillisecondsAsync(nodes, bytes, runs, warmUp).GetAwaiter().GetResult();

    /// <summary>A node: <c>tcp PORT BYTES</c>.</summary>
    public static async Task<int> AnswerAsync(string[] arguments)
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, int.Parse(arguments[0], CultureInfo.InvariantCulture));
        var stream = client.GetStream();
        var model = new byte[int.Parse(arguments[1], CultureInfo.InvariantCulture)];
        while (await stream.ReadAtLeastAsync(model, model.Length, throwOnEndOfStream: false) == model.Length)
            await stream.WriteAsync(model);
        return 0;
    }

    private static async Task<Sample> MillisecondsAsync(int nodes, int bytes, int runs, int warmUp)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var processes = Enumerable.Range(0, nodes).Select(_ => WholeProcess.StartBenchmarks("tcp", Text(port), Text(bytes))).ToArray();
        try
        {
            var servers = new List<TcpClient>();
            for (var i = 0; i < nodes; i++)
                servers.Add(await listener.AcceptTcpClientAsync().WaitAsync(Patience));
            servers.ForEach(server => server.NoDelay = true);
            var model = new byte[bytes];
            var buffers = servers.ConvertAll(_ => new byte[bytes]);
            var times = new List<double>();
            for (var run = 0; run < warmUp + runs; run++)
            {
                var began = Stopwatch.GetTimestamp();
                await Task.WhenAll(servers.Select((server, i) => Task.Run(() => ServeAsync(server.GetStream(), model, buffers[i]))));
                times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
            servers.ForEach(server => server.Dispose());
            return Sample.Of(times.Skip(warmUp).ToArray());
        }
        finally
        {
            foreach (var process in processes)
            {
                Children.Kill(process);
                process.Dispose();
            }
        }
    }

    private static async Task ServeAsync(NetworkStream stream, byte[] model, byte[] buffer)
    {
        await stream.WriteAsync(model);
        await stream.ReadExactlyAsync(buffer);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
