using System.Net;
using System.Net.Sockets;
using MQTTnet.Channel;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// Opens connections that read in large pieces and acknowledge at once what has come. Linux waits up to 40 ms with that, and a broker that gathers small packets (mosquitto as it is
/// installed: Nagle's algorithm) keeps back a message meanwhile whose acknowledgement of another one went just before it.
/// </summary>
internal sealed class PromptSocket(int bufferSize) : IMqttClientStreamProvider
{
    private const int ReadAhead = 64 * 1024;
    private const int Tcp = 6;
    private const int QuickAcknowledgement = 12;

    private static readonly byte[] On = BitConverter.GetBytes(1);

    public async Task<Stream> ConnectAsync(EndPoint brokerEndPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            SendBufferSize = bufferSize,
            ReceiveBufferSize = bufferSize,
            // A close that waits for nothing must not reset the socket, which loses what was just sent, the goodbye included.
            LingerState = new LingerOption(false, 0),
        };
        try
        {
            await socket.ConnectAsync(brokerEndPoint, cancellationToken);
            return new PromptStream(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class PromptStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
    {
        // The library reads a message in pieces of 4 KiB, and its header byte by byte: 70 calls of the system for a chunk.
        private readonly byte[] ahead = new byte[ReadAhead];
        private bool isPrompt = OperatingSystem.IsLinux();
        private int start;
        private int end;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            start < end ? new ValueTask<int>(Take(buffer.Span)) : ReceiveAsync(buffer, cancellationToken);

        private async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            var read = await base.ReadAsync(ahead, cancellationToken);
            if (read == 0)
                return 0;
            // It holds for what comes next alone.
            if (isPrompt)
                AcknowledgeAtOnce();
            (start, end) = (0, read);
            return Take(buffer.Span);
        }

        private void AcknowledgeAtOnce()
        {
            try
            {
                Socket.SetRawSocketOption(Tcp, QuickAcknowledgement, On);
            }
            catch (SocketException)
            {
                // Not every system that calls itself so has it: then it is as it is elsewhere.
                isPrompt = false;
            }
        }

        private int Take(Span<byte> target)
        {
            var count = Math.Min(target.Length, end - start);
            ahead.AsSpan(start, count).CopyTo(target);
            start += count;
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }
}
