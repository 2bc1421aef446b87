using System.Collections.Concurrent;
using MantaLight.Concurrency;
using Microsoft.Win32.SafeHandles;

namespace MantaLight.Storage;

/// <summary>Flushes files that have their names already, one after the other, while whoever wrote them goes on.</summary>
internal sealed class FlushQueue
{
    /// <summary>Files that may wait: a disk that is slower than its node slows the node down.</summary>
    private const int Capacity = 64;

    private readonly ConcurrentQueue<SafeFileHandle> waiting = new();
    private int count;
    private int isRunning;

    /// <summary>Takes a file over and closes it when it is flushed; one too many is flushed at once.</summary>
    /// <returns>False where it was not taken over.</returns>
    public bool TryTake(SafeFileHandle file)
    {
        if (Interlocked.Increment(ref count) > Capacity)
        {
            Interlocked.Decrement(ref count);
            RandomAccess.FlushToDisk(file);
            return false;
        }
        waiting.Enqueue(file);
        // Whoever makes the first one wait begins; the loop ends when none is left.
        if (Interlocked.CompareExchange(ref isRunning, 1, 0) == 0)
            _ = Background.Run(DrainAsync);
        return true;
    }

    private Task DrainAsync()
    {
        do
        {
            while (waiting.TryDequeue(out var file))
            {
                Flush(file);
                Interlocked.Decrement(ref count);
            }
            // Seen by whoever adds before this looks again: a plain write might be seen later.
            Interlocked.Exchange(ref isRunning, 0);
        }
        while (!waiting.IsEmpty && Interlocked.CompareExchange(ref isRunning, 1, 0) == 0);
        return Task.CompletedTask;
    }

    private static void Flush(SafeFileHandle file)
    {
        using (file)
        {
            try
            {
                RandomAccess.FlushToDisk(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // What did not come to the disk is found by its hash at the next start.
            }
        }
    }
}
