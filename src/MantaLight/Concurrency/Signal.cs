using System.Threading.Tasks.Sources;

namespace MantaLight.Concurrency;

/// <summary>Wakes the one who waits; said while nobody does, it lets the next wait end at once. Nothing is allocated, however often it is said.</summary>
public sealed class Signal : IValueTaskSource
{
    private const int Silent = 0, Said = 1, Waiting = 2;

    private ManualResetValueTaskSourceCore<bool> source = new() { RunContinuationsAsynchronously = true };
    private int state;

    /// <summary>Wakes the one who waits, or the next one.</summary>
    public void Set()
    {
        // What was done before must be seen by whoever has taken what was said before.
        Interlocked.MemoryBarrier();
        while (true)
        {
            var seen = Volatile.Read(ref state);
            if (seen == Said)
                return;
            if (Interlocked.CompareExchange(ref state, seen == Waiting ? Silent : Said, seen) != seen)
                continue;
            if (seen == Waiting)
                source.SetResult(true);
            return;
        }
    }

    /// <summary>Waits until it is said. One waits at a time, and awaits what this returns before it waits again.</summary>
    public ValueTask WaitAsync()
    {
        if (Interlocked.CompareExchange(ref state, Silent, Said) == Said)
            return ValueTask.CompletedTask;
        source.Reset();
        var wait = new ValueTask(this, source.Version);
        if (Interlocked.CompareExchange(ref state, Waiting, Silent) == Silent)
            return wait;
        Interlocked.Exchange(ref state, Silent);
        return ValueTask.CompletedTask;
    }

    void IValueTaskSource.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        source.OnCompleted(continuation, state, token, flags);
}
