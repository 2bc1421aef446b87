using System.Buffers;
using System.Net.Sockets;
using System.Threading.Channels;

namespace MantaLight.Cli.Chaos.Proxy;

/// <summary>One connection through a door: what either side sends reaches the other, later where the door says so, until it is cut.</summary>
internal sealed class ProxyPipe(Socket client, Socket broker, ProxyDoor door, TimeProvider time) : IDisposable
{
    private const int PieceSize = 32 * 1024;

    // As a real line does, it holds a bounded amount; then the sender waits.
    private const int PiecesUnderWay = 64;

    private readonly CancellationTokenSource over = new();

    /// <summary>Runs until both sides have finished or the connection is reset.</summary>
    public async Task RunAsync() => await Task.WhenAll(PumpAsync(client, broker), PumpAsync(broker, client));

    /// <summary>Ends it without a goodbye: both sides get a TCP reset.</summary>
    public void Reset()
    {
        over.Cancel();
        foreach (var socket in (Socket[])[client, broker])
        {
            try
            {
                socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It is closed already.
            }
            socket.Dispose();
        }
    }

    public void Dispose() => Reset();

    private async Task PumpAsync(Socket from, Socket to)
    {
        var line = Channel.CreateBounded<Piece>(PiecesUnderWay);
        var reading = ReadAsync(from, line.Writer);
        try
        {
            await foreach (var piece in line.Reader.ReadAllAsync(over.Token))
            {
                if (!await PassAsync(piece, to))
                    return;
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            Reset();
        }
        finally
        {
            await reading;
        }
    }

    private async Task<bool> PassAsync(Piece piece, Socket to)
    {
        try
        {
            var left = piece.Latency - time.GetElapsedTime(piece.Read);
            if (left > TimeSpan.Zero)
                await Task.Delay(left, time, over.Token);
            var allowed = door.Take(piece.Count);
            for (var sent = 0; sent < allowed;)
                sent += await to.SendAsync(piece.Bytes.AsMemory(sent, allowed - sent), over.Token);
            if (allowed == piece.Count)
                return true;
            door.Cut();
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece.Bytes);
        }
    }

    private async Task ReadAsync(Socket from, ChannelWriter<Piece> line)
    {
        try
        {
            while (true)
            {
                var bytes = ArrayPool<byte>.Shared.Rent(PieceSize);
                var count = await from.ReceiveAsync(bytes.AsMemory(0, PieceSize), over.Token);
                if (count == 0)
                    break;
                await line.WriteAsync(new Piece(bytes, count, time.GetTimestamp(), door.Latency), over.Token);
            }
            line.TryComplete();
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            line.TryComplete(e);
            Reset();
        }
    }

    private readonly record struct Piece(byte[] Bytes, int Count, long Read, TimeSpan Latency);
}
