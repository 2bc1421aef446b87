using System.Runtime.CompilerServices;
using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;

namespace MantaLight.Nodes;

/// <summary>
/// What a loop reads, in one order: things from the wire, of which only so many may wait, and the process's own, which
/// are few and never lost.
/// </summary>
internal sealed class EventQueue<T>(int capacity)
{
    private readonly Channel<(T Item, bool Counted)> channel =
        Channel.CreateUnbounded<(T Item, bool Counted)>(new UnboundedChannelOptions { SingleReader = true });

    private int waiting;

    /// <summary>Adds something of the process's own.</summary>
    public void Post(T item) => channel.Writer.TryWrite((item, false));

    /// <summary>Adds something from the wire; false, and counted as dropped, where too much is waiting.</summary>
    public bool Offer(T item)
    {
        if (Interlocked.Increment(ref waiting) <= capacity && channel.Writer.TryWrite((item, true)))
            return true;
        Interlocked.Decrement(ref waiting);
        Telemetry.Dropped.Add(1, new KeyValuePair<string, object?>("reason", "queue full"));
        return false;
    }

    /// <summary>Nothing more is taken; what waits can still be read.</summary>
    public void Complete() => channel.Writer.TryComplete();

    public async IAsyncEnumerable<T> EachAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (item, counted) in channel.Reader.EachAsync(cancellationToken))
        {
            if (counted)
                Interlocked.Decrement(ref waiting);
            yield return item;
        }
    }
}
