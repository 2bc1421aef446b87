using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MantaLight.Benchmarks.Report;
using MantaLight.Messaging;
using MantaLight.Mqtt;

namespace MantaLight.Benchmarks.Topics;

/// <summary>Messages between connections of the product, over its own broker and over mosquitto, beside plain TCP.</summary>
internal static class TransportTopic
{
    private const int Chunk = 256 << 10;
    private const int Chunks = 400;
    private const int RoundTrips = 500;

    public static IEnumerable<Row> Measure()
    {
        var floors = (Chunks: Tcp(), Trips: TcpRoundTripsAsync().GetAwaiter().GetResult());
        Measured? mosquitto = null;
        using (var broker = BrokerProcess.TryStart("mosquitto"))
        {
            if (broker is not null)
            {
                mosquitto = Measure(new Uri(broker.Uri));
                var paho = Peer.Run("transport", [new Uri(broker.Uri).Port.ToString(CultureInfo.InvariantCulture)]);
                foreach (var row in RowsOf("mosquitto", mosquitto, floors, "paho, a client in Python", paho.GetValueOrDefault("chunks"), paho.GetValueOrDefault("round_trip")))
                    yield return row;
            }
        }
        using var embedded = BrokerProcess.TryStart("embedded")!;
        foreach (var row in RowsOf("embedded", Measure(new Uri(embedded.Uri)), floors, "mosquitto", mosquitto?.Chunks, mosquitto?.Trips))
            yield return row;
    }

    private static Measured Measure(Uri uri) => new(
        Sample.Of(Enumerable.Range(0, 5).Select(_ => OneWayAsync(uri).GetAwaiter().GetResult()).ToArray()), RoundTripsAsync(uri).GetAwaiter().GetResult());

    private static IEnumerable<Row> RowsOf(string broker, Measured own, (Sample Chunks, Sample Trips) floors, string peer, Sample? chunks, Sample? trips) =>
    [
        (Row.Of($"transport.{broker}_chunks", own.Chunks, "MB/s") with { Ratio = own.Chunks.Median / floors.Chunks.Median, Note = "256 KiB, QoS 1, from one connection to another." })
            .Above(floors.Chunks).Beside(peer, chunks),
        (Row.Of($"transport.{broker}_round_trip", own.Trips, "us") with { Ratio = own.Trips.Median / floors.Trips.Median, Note = "200 bytes there and 200 back, QoS 1." })
            .Above(floors.Trips).Beside(peer, trips),
    ];

    private static async Task<double> OneWayAsync(Uri uri)
    {
        var broker = new MqttBroker(new MqttBrokerOptions { Uri = uri });
        await using var from = await broker.ConnectAsync(new ConnectionProfile { ClientId = "from" }, CancellationToken.None);
        await using var to = await broker.ConnectAsync(new ConnectionProfile { ClientId = "to" }, CancellationToken.None);
        var arrived = new SemaphoreSlim(0);
        await using var subscription = await to.SubscribeAsync("bench/chunk", _ => arrived.Release(), CancellationToken.None);
        var payload = new byte[Chunk];
        var began = Stopwatch.GetTimestamp();
        using var window = new SemaphoreSlim(16);
        var sends = new List<Task>(Chunks);
        for (var i = 0; i < Chunks; i++)
        {
            await window.WaitAsync();
            sends.Add(SendAsync());
        }
        await Task.WhenAll(sends);
        for (var i = 0; i < Chunks; i++)
            await arrived.WaitAsync();
        return (double)Chunk * Chunks / Stopwatch.GetElapsedTime(began).TotalSeconds / 1e6;

        async Task SendAsync()
        {
            try
            {
                await from.PublishAsync(new OutboundMessage("bench/chunk", payload), CancellationToken.None);
            }
            finally
            {
                window.Release();
            }
        }
    }

    private static async Task<Sample> RoundTripsAsync(Uri uri)
    {
        var broker = new MqttBroker(new MqttBrokerOptions { Uri = uri });
        await using var here = await broker.ConnectAsync(new ConnectionProfile { ClientId = "here" }, CancellationToken.None);
        await using var there = await broker.ConnectAsync(new ConnectionProfile { ClientId = "there" }, CancellationToken.None);
        var back = new SemaphoreSlim(0);
        var payload = new byte[200];
        await using var answers = await there.SubscribeAsync("bench/to", message => Answer(), CancellationToken.None);
        await using var arrivals = await here.SubscribeAsync("bench/back", _ => back.Release(), CancellationToken.None);
        var times = new List<double>();
        for (var i = 0; i < RoundTrips + 50; i++)
        {
            var began = Stopwatch.GetTimestamp();
            await here.PublishAsync(new OutboundMessage("bench/to", payload), CancellationToken.None);
            await back.WaitAsync();
            if (i >= 50)
                times.Add(Stopwatch.GetElapsedTime(began).TotalMicroseconds);
        }
        return Sample.Of(times);

        // Who answers must not wait within its own callback.
        void Answer() => _ = there.PublishAsync(new OutboundMessage("bench/back", payload), CancellationToken.None).AsTask();
    }

    private static async Task<Sample> TcpRoundTripsAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var here = new TcpClient { NoDelay = true };
        var accepting = listener.AcceptTcpClientAsync();
        await here.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var there = await accepting;
        there.NoDelay = true;
        var (payload, answer) = (new byte[200], new byte[200]);
        var answering = Task.Run(async () =>
        {
            for (var i = 0; i < RoundTrips + 50; i++)
            {
                await there.GetStream().ReadExactlyAsync(answer);
                await there.GetStream().WriteAsync(answer);
            }
        });
        var times = new List<double>();
        for (var i = 0; i < RoundTrips + 50; i++)
        {
            var began = Stopwatch.GetTimestamp();
            await here.GetStream().WriteAsync(payload);
            await here.GetStream().ReadExactlyAsync(payload);
            if (i >= 50)
                times.Add(Stopwatch.GetElapsedTime(began).TotalMicroseconds);
        }
        await answering;
        return Sample.Of(times);
    }

    private static Sample Tcp() => Sample.Of(Enumerable.Range(0, 5).Select(_ => TcpOnceAsync().GetAwaiter().GetResult()).ToArray());

    private static async Task<double> TcpOnceAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var from = new TcpClient();
        var accepting = listener.AcceptTcpClientAsync();
        await from.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var to = await accepting;
        var began = Stopwatch.GetTimestamp();
        var sending = Task.Run(async () =>
        {
            var payload = new byte[Chunk];
            for (var i = 0; i < Chunks; i++)
                await from.GetStream().WriteAsync(payload);
        });
        var buffer = new byte[Chunk];
        for (long left = (long)Chunk * Chunks; left > 0;)
            left -= await to.GetStream().ReadAsync(buffer);
        await sending;
        return (double)Chunk * Chunks / Stopwatch.GetElapsedTime(began).TotalSeconds / 1e6;
    }

    /// <summary>Our client over a broker.</summary>
    private sealed record Measured(Sample Chunks, Sample Trips);
}
