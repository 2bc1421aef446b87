using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MantaLight.Benchmarks.Topics;

/// <summary>Connections that have introduced themselves by MQTT 5 and say nothing more: sockets, and nothing else on this side.</summary>
internal sealed class RawConnections : IDisposable
{
    // An address has some 28,000 ports to go out from.
    private const int PerAddress = 2500;
    private const int AtOnce = 100;

    private readonly List<Socket> sockets = [];

    /// <summary>Opens them; null, with a word on standard error, where so many files are not allowed.</summary>
    /// <exception cref="InvalidOperationException">The broker does not accept one.</exception>
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
        var id = Encoding.ASCII.GetBytes($"idle-{index.ToString(CultureInfo.InvariantCulture)}");
        Span<byte> keepAlive = stackalloc byte[2], length = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(keepAlive, 600);
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)id.Length);
        // CONNECT: name, version 5, clean start, no properties, the id.
        socket.Send([0x10, (byte)(13 + id.Length), 0, 4, .. "MQTT"u8, 5, 2, .. keepAlive, 0, .. length, .. id]);
        return socket;
    }

    private void AwaitAnswers(int from)
    {
        var answer = new byte[256];
        foreach (var socket in sockets.Skip(from))
        {
            // CONNACK, and its reason: success.
            if (socket.Receive(answer) < 4 || answer[0] != 0x20 || answer[3] != 0)
                throw new InvalidOperationException("The broker did not accept a connection.");
        }
    }
}
