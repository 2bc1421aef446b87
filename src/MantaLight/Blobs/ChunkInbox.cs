using System.Buffers;
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
internal sealed class ChunkInbox(Drops drops, TimeProvider time)
{
    private const int MaximumReason = 300;

    private readonly Lock gate = new();
    private readonly List<Waiting> waiting = [];

    /// <summary>Where it is noted what did not fit.</summary>
    public Drops Drops => drops;

    /// <summary>Opens the inbox of a transfer from a producer, until the result is disposed.</summary>
    public Waiting Open(BlobRef blob, string producer)
    {
        var opened = new Waiting(this, new ChunkLine(blob, drops, time), blob, producer);
        lock (gate)
            waiting.Add(opened);
        return opened;
    }

    /// <summary>Takes a chunk's topic apart, without an allocation: there are many.</summary>
    public static bool TryRead(TopicName topic, string parent, out ReadOnlySpan<char> hash, out int chunk)
    {
        hash = default;
        if (!topic.TrySplit(out var blob, out chunk) || !blob.StartsWith(parent, StringComparison.Ordinal))
            return false;
        hash = blob[parent.Length..];
        return !hash.Contains('/');
    }

    /// <summary>Delivers a chunk (a number below 0 is none), to several transfers where the blob is pulled from several peers; false where nobody waits for it. The hold of the bytes goes with it.</summary>
    public bool Deliver(ReadOnlySpan<char> hash, int chunk, ReadOnlySequence<byte> bytes)
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
                if (chunk >= 0 && bytes.Length <= transfer.ChunkSize)
                {
                    PayloadBuffer.Hold(bytes);
                    transfer.Chunks.Put(new Arrival(chunk, bytes));
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
                transfer.Chunks.Put(new Arrival(-1, default, reason));
        }
    }

    private void Close(Waiting closed)
    {
        lock (gate)
            waiting.Remove(closed);
    }

    /// <summary>A transfer that waits for its chunks.</summary>
    public sealed class Waiting(ChunkInbox inbox, ChunkLine line, BlobRef blob, string producer) : IDisposable
    {
        public string Hash => blob.Sha256;

        public int ChunkSize => blob.ChunkSize;

        public string Producer => producer;

        public ChunkLine Chunks => line;

        public void Dispose()
        {
            inbox.Close(this);
            line.Dispose();
        }
    }
}
