using System.Collections.Immutable;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Blobs;

/// <summary>Brings a blob from the node that keeps it, with a credit window.</summary>
internal sealed class BlobPull(
    IBrokerConnection connection, Topics topics, MessageStamp stamp, BlobStore store, ChunkInbox inbox, BlobTiming timing)
{
    public async Task RunAsync(string producer, BlobRef blob, CancellationToken cancellationToken)
    {
        // Anybody can send a chunk: one that was not the producer's must not cost the blob.
        using (var first = store.Begin(blob))
        {
            await RunAsync(producer, blob, first, cancellationToken);
            if (first.TryComplete(out _))
                return;
        }
        using var second = store.Begin(blob);
        await RunAsync(producer, blob, second, cancellationToken);
        second.Complete();
    }

    /// <summary>Brings what is missing; false where the producer does not have it.</summary>
    public async Task<bool> TryRunAsync(string producer, BlobRef blob, PartialBlob partial, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(producer, blob, partial, cancellationToken);
            return true;
        }
        catch (BlobUnavailableException)
        {
            return false;
        }
    }

    private async Task RunAsync(string producer, BlobRef blob, PartialBlob partial, CancellationToken cancellationToken)
    {
        using var waiting = inbox.Open(blob, producer);
        var chunks = waiting.Chunks;
        var asked = new HashSet<int>();
        var next = 0;
        var pace = new ChunkPace(timing, stamp.Time);
        while (partial.Missing > 0)
        {
            // What this node does not hear while it is cut off is not its peer's fault.
            if (!connection.IsConnected)
                pace.Excuse();
            if (next < blob.ChunkCount && asked.Count <= pace.Window / 2)
                next = await AskAsync(producer, blob, partial, asked, next, pace.Window, cancellationToken);
            if (await pace.WaitAsync(chunks, cancellationToken))
            {
                while (chunks.TryTake(out var arrival))
                {
                    if (arrival.Refusal is { } refusal)
                        throw new BlobUnavailableException($"{producer} does not serve blob {blob.Sha256}: {refusal}");
                    asked.Remove(arrival.Chunk);
                    partial.Add(arrival);
                    if (partial.Fits(arrival))
                        pace.Arrived();
                    arrival.Release();
                }
            }
            else
            {
                asked.Clear();
                next = 0;
            }
            if (pace.IsOver && partial.Missing > 0)
                throw new BlobUnavailableException($"{producer} has not sent {partial.Missing} of {blob.ChunkCount} chunks of blob {blob.Sha256} for {timing.GiveUp.TotalSeconds:0} s.");
        }
    }

    private async Task<int> AskAsync(string producer, BlobRef blob, PartialBlob partial, HashSet<int> asked, int next, int window, CancellationToken cancellationToken)
    {
        var wanted = ImmutableArray.CreateBuilder<int>();
        for (; next < blob.ChunkCount && asked.Count < window; next++)
        {
            if (!partial.Has(next) && asked.Add(next))
                wanted.Add(next);
        }
        if (wanted.Count > 0)
        {
            var request = stamp.Stamp(new BlobRequest { Hash = blob.Sha256, ChunkSize = blob.ChunkSize, Chunks = wanted.ToImmutable() });
            try
            {
                await connection.PublishAsync(new OutboundMessage(topics.Inbox(producer), ProtocolJson.Write(request)), cancellationToken);
            }
            catch (BrokerConnectionLostException)
            {
                // Asked again after the silence that follows.
            }
        }
        return next;
    }
}
