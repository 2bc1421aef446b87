using System.Buffers;
using System.Globalization;
using System.Threading.Channels;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Blobs;

/// <summary>A chunk that has arrived, or the word that none will.</summary>
internal readonly record struct Arrival(int Chunk, ReadOnlySequence<byte> Bytes, string? Refusal = null)
{
    /// <summary>Gives its memory back; nobody reads it any more.</summary>
    public void Release() => PayloadBuffer.Release(Bytes);
}

/// <summary>Hands chunks from the connection's receive loop to the transfers that wait for them.</summary>
internal sealed class ChunkInbox(Drops drops)
{
    // More than a window can be on its way when requests are repeated; the rest is dropped and asked for again.
    private const int MaximumChunks = 512;
    private const int MaximumBytes = 64 << 20;
    private const int MaximumReason = 300;

    private readonly Lock gate = new();
    private readonly List<Waiting> waiting = [];

    /// <summary>Where it is noted what did not fit.</summary>
    public Drops Drops => drops;

    /// <summary>Where chunks of a blob wait for a transfer: so many, and so many bytes of them, but a window in any case.</summary>
    public static Channel<Arrival> Line(BlobRef blob, Drops drops) => Channel.CreateBounded<Arrival>(
        new BoundedChannelOptions(Math.Clamp(MaximumBytes / blob.ChunkSize, BlobRequest.Window, MaximumChunks)) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite },
        arrival =>
        {
            arrival.Release();
            drops.Beyond("chunks full", $"More than {MaximumChunks} chunks, or {MaximumBytes >> 20} MiB of them, wait for one transfer; others are dropped, and asked for again");
        });

    /// <summary>Opens the inbox of a transfer from a producer, until the result is disposed.</summary>
    public Waiting Open(BlobRef blob, string producer)
    {
        var opened = new Waiting(this, blob, producer);
        lock (gate)
            waiting.Add(opened);
        return opened;
    }

    /// <summary>Delivers a chunk, to several transfers where the blob is pulled from several peers; false where nobody waits for it. The hold of the bytes goes with it.</summary>
    public bool Deliver(ReadOnlySpan<char> hash, ReadOnlySpan<char> chunk, ReadOnlySequence<byte> bytes)
    {
        var awaited = false;
        lock (gate)
        {
            foreach (var transfer in waiting)
            {
                if (!hash.SequenceEqual(transfer.Hash))
                    continue;
                awaited = true;
                // What cannot be a chunk of the blob must not take the place of one.
                if (int.TryParse(chunk, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && bytes.Length <= transfer.ChunkSize)
                {
                    PayloadBuffer.Hold(bytes);
                    transfer.Put(new Arrival(index, bytes));
                }
                else
                {
                    Telemetry.Drop(Telemetry.Malformed);
                }
            }
        }
        PayloadBuffer.Release(bytes);
        if (!awaited)
            Telemetry.Drop(Telemetry.Stale);
        return awaited;
    }

    /// <summary>Delivers a refusal; only the producer's own counts.</summary>
    public void Refuse(string from, string hash, string reason)
    {
        reason = reason.Length <= MaximumReason ? reason : reason[..MaximumReason];
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
    public sealed class Waiting(ChunkInbox inbox, BlobRef blob, string producer) : IDisposable
    {
        private readonly Channel<Arrival> channel = Line(blob, inbox.Drops);

        public string Hash => blob.Sha256;

        public int ChunkSize => blob.ChunkSize;

        public string Producer => producer;

        public ChannelReader<Arrival> Chunks => channel.Reader;

        public void Put(Arrival arrival) => channel.Writer.TryWrite(arrival);

        public void Dispose() => inbox.Close(this);
    }
}
