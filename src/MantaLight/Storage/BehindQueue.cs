using System.Collections.Concurrent;
using MantaLight.Concurrency;

namespace MantaLight.Storage;

/// <summary>Does what nobody waits for, one after the other, while whoever asked goes on.</summary>
/// <param name="capacity">How many may wait: a disk that is slower than its node slows the node down.</param>
/// <param name="work">What is done with each; must not throw.</param>
internal sealed class BehindQueue<T>(int capacity, Action<T> work)
{
    private readonly ConcurrentQueue<T> waiting = new();
    private int count;
    private int isRunning;

    /// <summary>Takes one over; false, and nothing is done, where too many wait.</summary>
    public bool TryAdd(T item)
    {
        if (Interlocked.Increment(ref count) > capacity)
        {
            Interlocked.Decrement(ref count);
            return false;
        }
        waiting.Enqueue(item);
        // Whoever makes the first one wait begins; the loop ends when none is left.
        if (Interlocked.CompareExchange(ref isRunning, 1, 0) == 0)
            _ = Background.Run(DrainAsync);
        return true;
    }

    private Task DrainAsync()
    {
        do
        {
            while (waiting.TryDequeue(out var item))
            {
                work(item);
                Interlocked.Decrement(ref count);
            }
            // Seen by whoever adds before this looks again: a plain write might be seen later.
            Interlocked.Exchange(ref isRunning, 0);
        }
        while (!waiting.IsEmpty && Interlocked.CompareExchange(ref isRunning, 1, 0) == 0);
        return Task.CompletedTask;
    }
}
