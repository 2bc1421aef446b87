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

    private readonly ConcurrentDictionary<string, Channel<Arrival>> waiting = new(StringComparer.Ordinal);

    /// <summary>Opens a transfer's inbox.</summary>
    public ChannelReader<Arrival> Open(string hash)
    {
        var channel = Channel.CreateBounded<Arrival>(new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });
        waiting[hash] = channel;
        return channel.Reader;
    }

    public void Close(string hash) => waiting.TryRemove(hash, out _);

    /// <summary>Delivers a chunk; false where nobody waits for it.</summary>
    public bool Deliver(string hash, string chunk, ReadOnlySequence<byte> bytes) =>
        int.TryParse(chunk, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
        && waiting.TryGetValue(hash, out var channel) && channel.Writer.TryWrite(new Arrival(index, bytes));

    public void Refuse(string hash, string reason)
    {
        if (waiting.TryGetValue(hash, out var channel))
            channel.Writer.TryWrite(new Arrival(-1, default, reason));
    }
}
