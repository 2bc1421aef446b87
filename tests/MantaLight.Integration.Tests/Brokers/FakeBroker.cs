using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace MantaLight.Integration.Tests.Brokers;

/// <summary>A packet as it came over the wire.</summary>
internal readonly record struct WirePacket(int Type, byte[] Body)
{
    public const int Connect = 1, Publish = 3, Subscribe = 8, Ping = 12, Disconnect = 14;

    /// <summary>The packet identifier of a QoS 1 publish.</summary>
    public (byte High, byte Low) PublishId
    {
        get
        {
            var topic = (Body[0] << 8) | Body[1];
            return (Body[2 + topic], Body[3 + topic]);
        }
    }
}

/// <summary>A listener that speaks just enough MQTT to answer as a test wants: old, refusing, silent, slow.</summary>
internal sealed class FakeBroker : IAsyncDisposable
{
    private readonly TcpListener listener;
    private readonly CancellationTokenSource stopping = new();
    private readonly Func<int, byte[]?> greeting;
    private readonly Task accepting;
    private volatile NetworkStream? latest;

    /// <param name="greeting">From the protocol level in CONNECT (4 or 5) to the bytes to answer; none to hang up.</param>
    /// <param name="port">The port; 0 for a free one.</param>
    public FakeBroker(Func<int, byte[]?> greeting, int port = 0)
    {
        listener = new TcpListener(IPAddress.Loopback, port);
        this.greeting = greeting;
        listener.Start();
        accepting = AcceptAsync();
    }

    public static byte[] Accept5 { get; } = [0x20, 0x03, 0x00, 0x00, 0x00];

    public static byte[] NotAuthorized5 { get; } = [0x20, 0x03, 0x00, 0x87, 0x00];

    public static byte[] Accept4 { get; } = [0x20, 0x02, 0x00, 0x00];

    public Uri Uri => new($"mqtt://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

    /// <summary>What clients sent, pings left out.</summary>
    public Channel<WirePacket> Received { get; } = Channel.CreateUnbounded<WirePacket>();

    /// <summary>Whether pings are answered.</summary>
    public bool AnswersPings { get; set; } = true;

    /// <summary>An accepting answer with a receive maximum and a maximum packet size.</summary>
    public static byte[] Accept5With(ushort receiveMaximum, uint maximumPacketSize) =>
    [
        0x20, 0x0B, 0x00, 0x00, 0x08,
        0x21, (byte)(receiveMaximum >> 8), (byte)receiveMaximum,
        0x27, (byte)(maximumPacketSize >> 24), (byte)(maximumPacketSize >> 16), (byte)(maximumPacketSize >> 8), (byte)maximumPacketSize,
    ];

    public async Task<WirePacket> NextAsync(int type)
    {
        while (true)
        {
            var packet = await Received.Reader.ReadAsync().AsTask().WaitAsync(Shared.Inbox.Patience);
            if (packet.Type == type)
                return packet;
        }
    }

    public async Task AcknowledgeAsync(WirePacket publish, byte reason = 0) =>
        await latest!.WriteAsync(new byte[] { 0x40, 0x03, publish.PublishId.High, publish.PublishId.Low, reason });

    /// <summary>Sends a message without content to topic "t", with QoS 0.</summary>
    public async Task PublishAsync() => await latest!.WriteAsync(new byte[] { 0x30, 0x04, 0x00, 0x01, (byte)'t', 0x00 });

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await accepting;
        listener.Dispose();
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var clients = new List<Task>();
        try
        {
            while (true)
                clients.Add(ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token)));
        }
        catch (Exception problem) when (problem is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                while (await ReadAsync(stream) is { } packet)
                {
                    if (packet.Type == WirePacket.Connect)
                    {
                        // After the protocol's name, with its length.
                        if (greeting(packet.Body[6]) is not { } answer)
                            return;
                        latest = stream;
                        await stream.WriteAsync(answer, stopping.Token);
                    }
                    else if (packet.Type == WirePacket.Subscribe)
                    {
                        await stream.WriteAsync(new byte[] { 0x90, 0x04, packet.Body[0], packet.Body[1], 0x00, 0x01 }, stopping.Token);
                    }
                    else if (packet.Type == WirePacket.Ping)
                    {
                        if (AnswersPings)
                            await stream.WriteAsync(new byte[] { 0xD0, 0x00 }, stopping.Token);
                        continue;
                    }

                    Received.Writer.TryWrite(packet);
                }
            }
            catch (Exception problem) when (problem is IOException or OperationCanceledException)
            {
                // The client hung up, or the test is over.
            }
        }
    }

    private async Task<WirePacket?> ReadAsync(NetworkStream stream)
    {
        var one = new byte[1];
        if (await stream.ReadAsync(one, stopping.Token) == 0)
            return null;
        var type = one[0] >> 4;
        var length = 0;
        for (var shift = 0; ; shift += 7)
        {
            await stream.ReadExactlyAsync(one, stopping.Token);
            length |= (one[0] & 0x7F) << shift;
            if (one[0] < 0x80)
                break;
        }

        var body = new byte[length];
        await stream.ReadExactlyAsync(body, stopping.Token);
        return new WirePacket(type, body);
    }
}
