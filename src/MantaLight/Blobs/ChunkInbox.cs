using System.Buffers;
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

    private readonly Lock gate = new();
    private readonly List<Waiting> waiting = [];

    /// <summary>Opens the inbox of a transfer from a producer, until the result is disposed.</summary>
    public Waiting Open(string hash, string producer)
    {
        var opened = new Waiting(this, hash, producer);
        lock (gate)
            waiting.Add(opened);
        return opened;
    }

    /// <summary>Delivers a chunk, to several transfers where the blob is pulled from several peers; false where nobody takes it.</summary>
    public bool Deliver(string hash, string chunk, ReadOnlySequence<byte> bytes)
    {
        if (!int.TryParse(chunk, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return false;
        var taken = false;
        lock (gate)
        {
            foreach (var transfer in waiting.Where(t => t.Hash == hash))
                taken |= transfer.Put(new Arrival(index, bytes));
        }
        return taken;
    }

    /// <summary>Delivers a refusal; only the producer's own counts.</summary>
    public void Refuse(string from, string hash, string reason)
    {
        lock (gate)
        {
            foreach (var transfer in waiting.Where(t => t.Hash == hash && t.Producer == from))
                transfer.Put(new Arrival(-1, default, reason));
        }
    }

    private void Close(Waiting closed)
    {
        lock (gate)
            waiting.Remove(closed);
    }

    /// <summary>A transfer that waits for its chunks.</summary>
    public sealed class Waiting(ChunkInbox inbox, string hash, string producer) : IDisposable
    {
        private readonly Channel<Arrival> channel =
            Channel.CreateBounded<Arrival>(new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

        public string Hash => hash;

        public string Producer => producer;

        public ChannelReader<Arrival> Chunks => channel.Reader;

        public bool Put(Arrival arrival) => channel.Writer.TryWrite(arrival);

        public void Dispose() => inbox.Close(this);
    }
}
