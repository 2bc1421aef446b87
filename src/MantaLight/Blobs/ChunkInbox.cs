using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;

namespace MantaLight.Blobs;

/// <summary>A chunk that has arrived, or the word that none will.</summary>
internal readonly record struct Arrival(int Chunk, ReadOnlySequence<byte> Bytes, string? Refusal = null);

/// <summary>Hands chunks from the connection's receive loop to the transfers that wait for them.</summary>
internal sealed class ChunkInbox
{
    // More than a window can be on its way when requests are repeated; the rest is dropped and asked for again.
    private const int Capacity = 512;

    private readonly ConcurrentDictionary<string, (string Producer, Channel<Arrival> Channel)> waiting = new(StringComparer.Ordinal);

    /// <summary>Opens the inbox of a transfer from a producer.</summary>
    public ChannelReader<Arrival> Open(string hash, string producer)
    {
        var channel = Channel.CreateBounded<Arrival>(new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        waiting[hash] = (producer, channel);
        return channel.Reader;
    }

    public void Close(string hash) => waiting.TryRemove(hash, out _);

    /// <summary>Delivers a chunk; false where nobody waits for it, or too many wait to be read.</summary>
    public bool Deliver(string hash, string chunk, ReadOnlySequence<byte> bytes) =>
        int.TryParse(chunk, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
        && waiting.TryGetValue(hash, out var transfer) && transfer.Channel.Writer.TryWrite(new Arrival(index, bytes));

    /// <summary>Delivers a refusal; only the producer's own counts.</summary>
    public void Refuse(string from, string hash, string reason)
    {
        if (waiting.TryGetValue(hash, out var transfer) && transfer.Producer == from)
            transfer.Channel.Writer.TryWrite(new Arrival(-1, default, reason));
    }
}
