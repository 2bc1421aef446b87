using System.Buffers;
using MantaLight.Concurrency;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Storage;

namespace MantaLight.Blobs;

/// <summary>Brings blobs out of the node's store: globals as retained chunks, results to whoever asks.</summary>
internal sealed class BlobPublisher(IBrokerConnection connection, Topics topics, MessageStamp stamp, BlobStore store, BlobTiming timing)
{
    /// <summary>Publishes all chunks retained and proves by reading back that the broker kept them.</summary>
    /// <exception cref="BlobUnavailableException">The broker did not keep them.</exception>
    public async Task PublishGlobalAsync(string swarm, BlobRef blob, CancellationToken cancellationToken)
    {
        using var file = store.TryOpen(blob.Sha256) ?? throw new BlobUnavailableException($"Blob {blob.Sha256} is not in this node's store.");
        await using (var sender = new ChunkSender(connection))
        {
            var parent = topics.SwarmBlobs(swarm, blob.Sha256);
            for (var chunk = 0; chunk < blob.ChunkCount; chunk++)
            {
                await sender.SendAsync(file, (long)chunk * blob.ChunkSize, blob.LengthOf(chunk), new TopicName(parent, chunk), retain: true, cancellationToken);
                sender.ThrowWhatFailed();
            }
            await sender.FinishAsync();
        }
        // A broker that the self-test has proven is asked for the last chunk only.
        for (var chunk = connection.Limits.ReplaysRetainedByWildcard ? blob.ChunkCount - 1 : 0; chunk < blob.ChunkCount; chunk++)
        {
            if (!await IsKeptAsync(swarm, blob, file, chunk, cancellationToken))
                throw new BlobUnavailableException($"The broker did not keep chunk {chunk} of {blob.ChunkCount} of global {blob.Sha256}: check its limits for retained messages.");
        }
    }

    /// <summary>Whether the broker has the chunks of a global that this node need not have: the last one, or all where it is not proven.</summary>
    public async Task<bool> IsOnBrokerAsync(string swarm, BlobRef blob, SignOfLife? sign, CancellationToken cancellationToken)
    {
        for (var chunk = connection.Limits.ReplaysRetainedByWildcard ? blob.ChunkCount - 1 : 0; chunk < blob.ChunkCount; chunk++)
        {
            using var kept = await ReadBackAsync(swarm, blob, chunk, cancellationToken);
            if (kept?.Bytes.Length != blob.LengthOf(chunk))
                return false;
            if (sign is not null)
                await sign.GiveAsync();
        }
        return true;
    }

    /// <summary>Removes a global's chunks from the broker.</summary>
    public static async Task ClearGlobalAsync(IBrokerConnection connection, Topics topics, TimeProvider time, string swarm, BlobRef blob, CancellationToken cancellationToken)
    {
        for (var chunk = 0; chunk < blob.ChunkCount; chunk++)
        {
            await connection.PublishAsync(new OutboundMessage(topics.SwarmBlob(swarm, blob.Sha256, chunk), ReadOnlyMemory<byte>.Empty, retain: true), cancellationToken);
            await PaceAsync(chunk + 1, time, cancellationToken);
        }
    }

    /// <summary>At most 200 deletes a second: EMQX drops stores and deletes above its rate without a word.</summary>
    public static Task PaceAsync(int done, TimeProvider time, CancellationToken cancellationToken) =>
        done % 20 == 0 ? Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken) : Task.CompletedTask;

    /// <summary>Something to answer requests with.</summary>
    public ChunkSender NewSender() => new(connection);

    /// <summary>Answers a request for chunks: they are on their way when this returns.</summary>
    public async Task ServeAsync(BlobRequest request, ChunkSender sender, CancellationToken cancellationToken)
    {
        if (!request.IsSound() || request.Chunks.IsEmpty)
            return;
        if (request.ChunkSize > connection.Limits.ChunkSize)
        {
            await RefuseAsync(request, $"chunks of {request.ChunkSize} bytes are asked for where the broker takes {connection.Limits.ChunkSize} from here", cancellationToken);
            return;
        }
        using var file = store.TryOpen(request.Hash);
        if (file is null)
        {
            await RefuseAsync(request, "it is not (or no longer) kept here", cancellationToken);
            return;
        }
        var parent = $"{topics.NodeBlobs(request.From)}{request.Hash}";
        foreach (var chunk in request.Chunks)
        {
            var offset = (long)chunk * request.ChunkSize;
            if (chunk >= 0 && offset < file.Length)
                await sender.SendAsync(file, offset, (int)Math.Min(request.ChunkSize, file.Length - offset), new TopicName(parent, chunk), retain: false, cancellationToken);
        }
    }

    private ValueTask RefuseAsync(BlobRequest request, string reason, CancellationToken cancellationToken)
    {
        var refusal = stamp.Stamp(new BlobRefusal { Hash = request.Hash, Reason = reason });
        return connection.PublishAsync(new OutboundMessage(topics.Inbox(request.From), ProtocolJson.Write(refusal)), cancellationToken);
    }

    private async Task<bool> IsKeptAsync(string swarm, BlobRef blob, DiskFile file, int chunk, CancellationToken cancellationToken)
    {
        using var kept = await ReadBackAsync(swarm, blob, chunk, cancellationToken);
        var length = blob.LengthOf(chunk);
        if (kept?.Bytes.Length != length)
            return false;
        var expected = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            ChunkSender.ReadExactly(file, expected.AsSpan(0, length), (long)chunk * blob.ChunkSize);
            return IsSame(kept.Bytes, expected);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(expected);
        }
    }

    private static bool IsSame(ReadOnlySequence<byte> bytes, ReadOnlySpan<byte> expected)
    {
        foreach (var segment in bytes)
        {
            if (!segment.Span.SequenceEqual(expected[..segment.Length]))
                return false;
            expected = expected[segment.Length..];
        }
        return true;
    }

    /// <summary>What the broker has on a chunk's topic; null where it has nothing. Dispose it when done.</summary>
    private async Task<Echo?> ReadBackAsync(string swarm, BlobRef blob, int chunk, CancellationToken cancellationToken)
    {
        // What comes by while it is on its way through a cluster tells nothing of what is kept: that is asked for again.
        for (var tries = 0; tries < 3; tries++)
        {
            var found = new Awaited<Echo>();
            void Take(BrokerMessage message)
            {
                var came = new Echo(message.Payload, message.Retained);
                if (!found.TrySet(came))
                    came.Dispose();
            }
            await using var subscription = await connection.SubscribeAsync(
                topics.SwarmBlob(swarm, blob.Sha256, chunk), Take, cancellationToken);
            var echo = await found.WaitAsync(5 * timing.Idle, stamp.Time, cancellationToken);
            if (echo is null or { IsRetained: true })
                return echo;
            echo.Dispose();
        }
        return null;
    }

    /// <summary>What came on a chunk's topic, where it lies, until it is disposed.</summary>
    private sealed record Echo(ReadOnlySequence<byte> Bytes, bool IsRetained) : IDisposable
    {
        public void Dispose() => PayloadBuffer.Release(Bytes);
    }
}
