using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// Opens connections that acknowledge at once what has come. Linux waits up to 40 ms with that, and a broker that gathers small packets (mosquitto as it is
/// installed: Nagle's algorithm) keeps back a message meanwhile whose acknowledgement of another one went just before it.
/// </summary>
internal static class PromptSocket
{
    private const int Tcp = 6;
    private const int QuickAcknowledgement = 12;

    private static readonly byte[] On = BitConverter.GetBytes(1);

    public static async Task<Stream> ConnectAsync(EndPoint broker, int bufferSize, CancellationToken cancellationToken)
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
            await socket.ConnectAsync(broker, cancellationToken);
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
        private bool isPrompt = OperatingSystem.IsLinux();

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await base.ReadAsync(buffer, cancellationToken);
            // It holds for what comes next alone.
            if (read > 0 && isPrompt)
                AcknowledgeAtOnce();
            return read;
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

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }
}
