using System.Buffers;
using System.Collections.Immutable;
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
        await SendAsync(file, new Blob(topics.SwarmBlobs(swarm, blob.Sha256), blob.Size, blob.ChunkSize, Retain: true), [], cancellationToken);
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

    /// <summary>Answers a request for chunks.</summary>
    public async Task ServeAsync(BlobRequest request, CancellationToken cancellationToken)
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
        await SendAsync(file, new Blob($"{topics.NodeBlobs(request.From)}{request.Hash}", file.Length, request.ChunkSize, Retain: false), request.Chunks, cancellationToken);
    }

    private ValueTask RefuseAsync(BlobRequest request, string reason, CancellationToken cancellationToken)
    {
        var refusal = stamp.Stamp(new BlobRefusal { Hash = request.Hash, Reason = reason });
        return connection.PublishAsync(new OutboundMessage(topics.Inbox(request.From), ProtocolJson.Write(refusal)), cancellationToken);
    }

    /// <summary>What is sent, and where to.</summary>
    private sealed record Blob(string Parent, long Size, int ChunkSize, bool Retain)
    {
        public int Chunks => (int)((Size + ChunkSize - 1) / ChunkSize);
    }

    /// <summary>Sends the wanted chunks, or all of them where none is named, with as many under way as the broker takes.</summary>
    private async Task SendAsync(DiskFile file, Blob blob, ImmutableArray<int> wanted, CancellationToken cancellationToken)
    {
        var window = connection.Limits.Window;
        // One place for each that is under way: nothing is made for a chunk.
        var (buffers, sent) = (new byte[window][], new ValueTask[window]);
        var (oldest, next) = (0, 0);
        try
        {
            var count = wanted.IsEmpty ? blob.Chunks : wanted.Length;
            for (var i = 0; i < count; i++)
            {
                var chunk = wanted.IsEmpty ? i : wanted[i];
                if (chunk < 0 || chunk >= blob.Chunks)
                    continue;
                if (next - oldest == sent.Length)
                    await sent[oldest++ % sent.Length];
                var offset = (long)chunk * blob.ChunkSize;
                var bytes = (buffers[next % sent.Length] ??= ArrayPool<byte>.Shared.Rent((int)Math.Min(blob.ChunkSize, blob.Size))).AsMemory(0, (int)Math.Min(blob.ChunkSize, blob.Size - offset));
                ReadExactly(file, bytes.Span, offset);
#pragma warning disable CA2012 // Each is awaited once, below.
                sent[next % sent.Length] = connection.PublishAsync(new OutboundMessage(new TopicName(blob.Parent, chunk), bytes, blob.Retain), cancellationToken);
#pragma warning restore CA2012
                next++;
            }
            while (oldest < next)
                await sent[oldest++ % sent.Length];
        }
        finally
        {
            // After a failure the others still read their buffers.
            while (oldest < next)
                await sent[oldest++ % sent.Length].AsTask().ConfigureAwait(Background.Quietly);
            foreach (var buffer in buffers)
            {
                if (buffer is not null)
                    ArrayPool<byte>.Shared.Return(buffer);
            }
        }
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
            ReadExactly(file, expected.AsSpan(0, length), (long)chunk * blob.ChunkSize);
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

    private static void ReadExactly(DiskFile file, Span<byte> target, long offset)
    {
        for (var read = 0; read < target.Length;)
        {
            var count = file.Read(offset + read, target[read..]);
            if (count == 0)
                throw new EndOfStreamException("A blob's file is shorter than it was.");
            read += count;
        }
    }
}
