using System.Buffers;
using System.Collections.Immutable;
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
    private ImmutableList<Transfer> transfers = [];

    /// <summary>Opens the inbox of a transfer from a producer, until the result is disposed.</summary>
    public Transfer Open(string hash, string producer)
    {
        var transfer = new Transfer(this, hash, producer, Channel.CreateBounded<Arrival>(
            new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait }));
        lock (gate)
            transfers = transfers.Add(transfer);
        return transfer;
    }

    /// <summary>Delivers a chunk to whoever wants it, from whichever producer; false where nobody waits for it, or too many wait to be read.</summary>
    public bool Deliver(string hash, string chunk, ReadOnlySequence<byte> bytes)
    {
        if (!int.TryParse(chunk, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return false;
        var delivered = false;
        foreach (var transfer in transfers)
            delivered |= transfer.Hash == hash && transfer.Put(new Arrival(index, bytes));
        return delivered;
    }

    /// <summary>Delivers a refusal; only the producer's own counts.</summary>
    public void Refuse(string from, string hash, string reason)
    {
        foreach (var transfer in transfers)
        {
            if (transfer.Hash == hash && transfer.Producer == from)
                transfer.Put(new Arrival(-1, default, reason));
        }
    }

    private void Close(Transfer transfer)
    {
        lock (gate)
            transfers = transfers.Remove(transfer);
    }

    /// <summary>What arrives for one transfer.</summary>
    internal sealed class Transfer(ChunkInbox inbox, string hash, string producer, Channel<Arrival> channel) : IDisposable
    {
        public string Hash => hash;

        public string Producer => producer;

        public ChannelReader<Arrival> Chunks => channel.Reader;

        public bool Put(Arrival arrival) => channel.Writer.TryWrite(arrival);

        public void Dispose() => inbox.Close(this);
    }
}
