using System.Net;
using System.Net.Sockets;

namespace MantaLight.Cli.Chaos.Proxy;

/// <summary>One client's way to the broker: a port of its own, whose connections can be slowed and cut.</summary>
internal sealed class ProxyDoor : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private readonly HashSet<ProxyPipe> pipes = [];
    private readonly Lock gate = new();
    private readonly Func<int> broker;
    private readonly TimeProvider time;
    private readonly Task accepting;
    private long allowance = long.MaxValue;
    private long passed;
    private long latency;
    private TaskCompletionSource<long> cut = New();

    /// <summary>Opens it.</summary>
    /// <param name="broker">The broker's port at this moment.</param>
    /// <param name="time">The clock of delays.</param>
    public ProxyDoor(Func<int> broker, TimeProvider time)
    {
        (this.broker, this.time) = (broker, time);
        listener.Start();
        Uri = new Uri($"mqtt://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        accepting = AcceptAsync();
    }

    /// <summary>Where the client connects to.</summary>
    public Uri Uri { get; }

    /// <summary>How much later bytes arrive, in each direction.</summary>
    public TimeSpan Latency
    {
        get => new(Interlocked.Read(ref latency));
        set => Interlocked.Exchange(ref latency, value.Ticks);
    }

    /// <summary>Resets every connection at once.</summary>
    public void Cut()
    {
        ProxyPipe[] all;
        lock (gate)
        {
            all = [.. pipes];
            allowance = long.MaxValue;
            cut.TrySetResult(passed);
        }
        foreach (var pipe in all)
            pipe.Reset();
    }

    /// <summary>Lets that many bytes pass and then resets every connection, in the middle of whatever is under way.</summary>
    /// <returns>A task that ends with the cut: how many bytes had passed.</returns>
    public Task<long> CutAfter(long bytes)
    {
        lock (gate)
        {
            cut = New();
            (allowance, passed) = (bytes, 0);
            return cut.Task;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        Cut();
        await accepting;
        stopping.Dispose();
    }

    /// <summary>How many of the bytes that want to pass may.</summary>
    internal int Take(int wanted)
    {
        lock (gate)
        {
            var allowed = (int)Math.Min(wanted, allowance);
            if (allowance != long.MaxValue)
                allowance -= allowed;
            passed += allowed;
            return allowed;
        }
    }

    private static TaskCompletionSource<long> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task AcceptAsync()
    {
        var running = new List<Task>();
        try
        {
            while (true)
            {
                var client = await listener.AcceptSocketAsync(stopping.Token);
                running.RemoveAll(r => r.IsCompleted);
                running.Add(ServeAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The door is closed.
        }
        await Task.WhenAll(running);
    }

    private async Task ServeAsync(Socket client)
    {
        var there = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        using var pipe = new ProxyPipe(client, there, this, time);
        lock (gate)
            pipes.Add(pipe);
        try
        {
            await there.ConnectAsync(IPAddress.Loopback, broker(), stopping.Token);
            await pipe.RunAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The broker is down, which is what a client must live with.
        }
        finally
        {
            lock (gate)
                pipes.Remove(pipe);
        }
    }
}
