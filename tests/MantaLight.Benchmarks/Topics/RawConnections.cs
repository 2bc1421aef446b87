using System.Net;
using System.Net.Sockets;

namespace MantaLight.Benchmarks.Topics;

/// <summary>Connections that introduce themselves and subscribe as nodes do, and say nothing more: sockets, and nothing else on this side.</summary>
internal sealed class RawConnections : IDisposable
{
    // An address has some 28,000 ports to go out from.
    private const int PerAddress = 2500;
    private const int AtOnce = 100;

    private readonly List<Socket> sockets = [];

    /// <summary>Opens them; null, with a word on standard error, where so many files are not allowed.</summary>
    /// <exception cref="InvalidOperationException">The broker does not accept one, or one of its subscriptions.</exception>
    public static RawConnections? TryOpen(Uri broker, int count)
    {
        var all = new RawConnections();
        try
        {
            for (var i = 0; i < count; i++)
            {
                all.sockets.Add(Introduce(broker, i));
                // So that no more wait for their answer than a listener keeps waiting.
                if ((i + 1) % AtOnce == 0 || i + 1 == count)
                    all.AwaitAnswers(i - (i % AtOnce));
            }
            return all;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.TooManyOpenSockets)
        {
            Console.Error.WriteLine($"{count} connections are more than this process may open (ulimit -n); their row is left out.");
            all.Dispose();
            return null;
        }
    }

    public void Dispose() => sockets.ForEach(s => s.Dispose());

    private static Socket Introduce(Uri broker, int index)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (OperatingSystem.IsLinux()) // where all of 127.0.0.0/8 is this machine
            socket.Bind(new IPEndPoint(new IPAddress([127, 0, 1, (byte)(1 + (index / PerAddress))]), 0));
        socket.Connect(IPAddress.Parse(broker.Host), broker.Port);
        socket.Send(IdleNode.Connect(index));
        socket.Send(IdleNode.Subscribe(index));
        return socket;
    }

    private void AwaitAnswers(int from)
    {
        foreach (var socket in sockets.Skip(from))
        {
            if (Receive(socket) is not [0x20, _, 0, ..])
                throw new InvalidOperationException("The broker did not accept a connection.");
            // A reason of 128 or more is a refusal.
            if (Receive(socket) is not [0x90, _, _, 0, .. var reasons] || reasons.Any(r => r >= 0x80))
                throw new InvalidOperationException("The broker did not accept a subscription.");
        }
    }

    /// <summary>A packet of less than 128 bytes, without the length.</summary>
    private static byte[] Receive(Socket socket)
    {
        var head = Exactly(socket, 2);
        return [head[0], .. Exactly(socket, head[1])];
    }

    private static byte[] Exactly(Socket socket, int count)
    {
        var bytes = new byte[count];
        for (var at = 0; at < count;)
        {
            var got = socket.Receive(bytes.AsSpan(at));
            at += got > 0 ? got : throw new InvalidOperationException("The broker closed a connection.");
        }
        return bytes;
    }
}
