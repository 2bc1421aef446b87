using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Blobs;

/// <summary>Where a blob's chunks wait for the one transfer that takes them, and it for them: neither costs memory for each chunk.</summary>
internal sealed class ChunkLine : IDisposable
{
    // More than a window can be on its way when requests are repeated; the rest is dropped and asked for again.
    private const int MaximumChunks = 512;
    private const int MaximumBytes = 64 << 20;

    private static readonly string Full = $"More than {MaximumChunks} chunks, or {MaximumBytes >> 20} MiB of them, wait for one transfer; others are dropped, and asked for again";

    private static readonly TimeSpan ShortestTimer = TimeSpan.FromMilliseconds(1);

    private readonly ConcurrentQueue<Arrival> arrivals = new();
    private readonly Signal signal = new();
    private readonly int room;
    private readonly Drops drops;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private int count;

    /// <summary>A line for so many chunks, and so many bytes of them, but a window in any case.</summary>
    public ChunkLine(BlobRef blob, Drops drops, TimeProvider time)
    {
        room = Math.Clamp(MaximumBytes / blob.ChunkSize, BlobRequest.Window, MaximumChunks);
        (this.drops, this.time) = (drops, time);
        timer = time.CreateTimer(static signal => ((Signal)signal!).Set(), signal, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many wait.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>Adds what has come; beyond the line's room it is let go.</summary>
    public void Put(Arrival arrival)
    {
        if (Interlocked.Increment(ref count) > room)
        {
            Interlocked.Decrement(ref count);
            arrival.Release();
            drops.Beyond("chunks full", Full);
            return;
        }
        arrivals.Enqueue(arrival);
        signal.Set();
    }

    /// <summary>Takes the next, if there is one.</summary>
    public bool TryTake(out Arrival arrival)
    {
        if (!arrivals.TryDequeue(out arrival))
            return false;
        Interlocked.Decrement(ref count);
        return true;
    }

    /// <summary>Waits until there is something to take; false where nothing comes within the patience.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> ComesWithinAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        if (!arrivals.IsEmpty)
            return true;
        var since = time.GetTimestamp();
        using var cancelled = cancellationToken.UnsafeRegister(static signal => ((Signal)signal!).Set(), signal);
        while (arrivals.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var left = patience - time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero)
                return false;
            // Left running when something comes: what it then says early makes a later wait look twice.
            timer.Change(left < ShortestTimer ? ShortestTimer : left, Timeout.InfiniteTimeSpan);
            await signal.WaitAsync();
        }
        return true;
    }

    /// <summary>Ends its timer. What is still in the line, or put there by one who was late, is left to the collector.</summary>
    public void Dispose() => timer.Dispose();
}
