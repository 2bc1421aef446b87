using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;

namespace MantaLight.Nodes;

/// <summary>
/// What a loop reads, in one order: things from the wire, of which only so many and so many bytes may wait, and the
/// process's own, which are few and never lost.
/// </summary>
/// <param name="owner">Whose it is, for what is counted and logged.</param>
/// <param name="drops">Where it is noted what did not fit.</param>
/// <param name="capacity">How many things from the wire may wait.</param>
/// <param name="maximumBytes">How many bytes they may have together.</param>
internal sealed class EventQueue<T>(string owner, Drops drops, int capacity = 16_384, long maximumBytes = 64 << 20)
{
    private const long Own = -1;

    private readonly Channel<(T Item, long Bytes)> channel =
        Channel.CreateUnbounded<(T Item, long Bytes)>(new UnboundedChannelOptions { SingleReader = true });

    private readonly string reason = $"{owner} events full";

    private readonly string beyond = string.Create(
        CultureInfo.InvariantCulture, $"More than {capacity} messages, or {maximumBytes >> 20} MiB of them, wait for the {owner}; others are dropped until it has caught up");

    private int waiting;
    private long bytesWaiting;

    /// <summary>Adds something of the process's own.</summary>
    public void Post(T item) => channel.Writer.TryWrite((item, Own));

    /// <summary>Adds something from the wire; false, and noted as dropped, where too much is waiting.</summary>
    /// <param name="item">What it is.</param>
    /// <param name="bytes">The size of the message that it came in.</param>
    public bool Offer(T item, long bytes)
    {
        var fits = Interlocked.Increment(ref waiting) <= capacity & Interlocked.Add(ref bytesWaiting, bytes) <= maximumBytes;
        if (fits && channel.Writer.TryWrite((item, bytes)))
            return true;
        Leave(bytes);
        // Not where nothing is taken any more: then nobody wants it.
        if (!fits)
            drops.Beyond(reason, beyond);
        return false;
    }

    /// <summary>Nothing more is taken; what waits can still be read.</summary>
    public void Complete() => channel.Writer.TryComplete();

    public async IAsyncEnumerable<T> EachAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (item, bytes) in channel.Reader.EachAsync(cancellationToken))
        {
            if (bytes != Own)
                Leave(bytes);
            yield return item;
        }
    }

    private void Leave(long bytes)
    {
        Interlocked.Decrement(ref waiting);
        Interlocked.Add(ref bytesWaiting, -bytes);
    }
}
