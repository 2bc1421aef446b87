using System.Collections.Immutable;
using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Blobs;

/// <summary>
/// Brings blobs into the node's store: globals from the broker's retained chunks, results from their producers with a
/// credit window. Several callers that want one blob from one source share one transfer.
/// </summary>
internal sealed class BlobFetcher(
    IBrokerConnection connection, Topics topics, MessageStamp stamp, BlobStore store, ChunkInbox inbox, BlobTiming timing) : IAsyncDisposable
{
    // A wildcard replay is delivered as fast as the broker can: more chunks than this overflow common queues.
    private const int MaximumReplay = 256;

    private readonly Lock gate = new();
    // By where they come from, too: who asks a member must not wait for what the broker has lost.
    private readonly Dictionary<(string Hash, string Source), Transfer> transfers = [];
    private int disposed;

    /// <summary>Brings a global from the broker; what the broker does not have, from a peer that may.</summary>
    public Task FetchGlobalAsync(string swarm, BlobRef blob, string? peer, CancellationToken cancellationToken) =>
        FetchAsync(blob, "", stop => ReadRetainedAsync(swarm, blob, peer == stamp.Node ? null : peer, stop), cancellationToken);

    public Task FetchResultAsync(string producer, BlobRef blob, CancellationToken cancellationToken) =>
        FetchAsync(blob, producer, stop => PullAsync(producer, blob, stop), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 1)
            return;
        Transfer[] running;
        lock (gate)
            running = [.. transfers.Values];
        await Task.WhenAll(running.Select(t => t.Stop.CancelBesideAsync()));
        await Task.WhenAll(running.Select(t => t.Running)).ConfigureAwait(Background.Quietly);
    }

    private async Task FetchAsync(BlobRef blob, string source, Func<CancellationToken, Task> transfer, CancellationToken cancellationToken)
    {
        if (!blob.IsSound())
            throw new MalformedDataException("A blob's pointer is not sound: hash, size and chunks do not agree.");
        if (store.Contains(blob.Sha256))
            return;
        var shared = Join((blob.Sha256, source), transfer);
        try
        {
            await shared.Running.WaitAsync(cancellationToken);
        }
        finally
        {
            // Nobody waits for it any more: what it would still bring, nobody would remove.
            if (Leave(shared))
            {
                await shared.Stop.CancelBesideAsync();
                await shared.Running.ConfigureAwait(Background.Quietly);
            }
        }
    }

    private Transfer Join((string Hash, string Source) key, Func<CancellationToken, Task> transfer)
    {
        lock (gate)
        {
            if (disposed == 1)
                throw new BlobUnavailableException("The node is stopping: nothing is fetched any more.");
            if (!transfers.TryGetValue(key, out var shared))
            {
                transfers[key] = shared = new Transfer(key, new CancellationTokenSource());
                shared.Running = Background.Run(() => RunAsync(shared, transfer));
            }
            shared.Waiting++;
            return shared;
        }
    }

    /// <summary>Whether it was the last one that waited for something that is under way; others then begin anew.</summary>
    private bool Leave(Transfer shared)
    {
        lock (gate)
        {
            if (--shared.Waiting > 0 || shared.Running.IsCompleted)
                return false;
            Forget(shared);
            return true;
        }
    }

    private void Forget(Transfer shared)
    {
        lock (gate)
        {
            if (transfers.GetValueOrDefault(shared.Key) == shared)
                transfers.Remove(shared.Key);
        }
    }

    private async Task RunAsync(Transfer shared, Func<CancellationToken, Task> transfer)
    {
        try
        {
            await transfer(shared.Stop.Token);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NodeStorageException($"Blob {shared.Key.Hash} cannot be kept in this node's store: {e.Message}", e);
        }
        finally
        {
            Forget(shared);
        }
    }

    private sealed class Transfer((string Hash, string Source) key, CancellationTokenSource stop)
    {
        public (string Hash, string Source) Key => key;

        public CancellationTokenSource Stop => stop;

        public Task Running { get; set; } = Task.CompletedTask;

        public int Waiting { get; set; }
    }

    private async Task ReadRetainedAsync(string swarm, BlobRef blob, string? peer, CancellationToken cancellationToken)
    {
        using var partial = store.Begin(blob);
        var parent = topics.SwarmBlobs(swarm, blob.Sha256);
        var chunks = Channel.CreateBounded<Arrival>(new BoundedChannelOptions(2 * MaximumReplay) { FullMode = BoundedChannelFullMode.Wait });
        void Take(BrokerMessage message)
        {
            if (int.TryParse(message.Topic.AsSpan(parent.Length + 1), out var index) && !message.Payload.IsEmpty)
                chunks.Writer.TryWrite(new Arrival(index, message.Payload));
        }
        if (connection.Limits.ReplaysRetainedByWildcard && blob.ChunkCount <= MaximumReplay)
        {
            await using var all = await connection.SubscribeAsync($"{parent}/+", Take, cancellationToken);
            await CollectAsync(partial, chunks.Reader, cancellationToken);
        }
        // Whatever the wildcard did not bring is fetched chunk by chunk: the way on brokers that do not replay by wildcard.
        var deadline = stamp.Time.SteadyNow() + timing.GiveUp;
        while (partial.Missing > 0)
        {
            // Somebody else has brought it.
            if (store.Contains(blob.Sha256))
                return;
            var before = partial.Missing;
            var wanted = Enumerable.Range(0, blob.ChunkCount).Where(i => !partial.Has(i)).Take(BlobRequest.Window).ToArray();
            var single = new List<IAsyncDisposable>(wanted.Length);
            try
            {
                foreach (var chunk in wanted)
                    single.Add(await connection.SubscribeAsync(topics.SwarmBlob(swarm, blob.Sha256, chunk), Take, cancellationToken));
                await CollectAsync(partial, chunks.Reader, cancellationToken, before - wanted.Length);
            }
            finally
            {
                foreach (var subscription in single)
                    await subscription.DisposeAsync();
            }
            if (partial.Missing < before)
                deadline = stamp.Time.SteadyNow() + timing.GiveUp;
            else if (peer is not null && await TryPullAsync(peer, blob, partial, cancellationToken))
                break;
            else if (stamp.Time.SteadyNow() >= deadline)
                throw new BlobUnavailableException($"{partial.Missing} of {blob.ChunkCount} chunks of global {blob.Sha256} of swarm '{swarm}' are not retained at the broker.");
        }
        partial.Complete();
    }

    /// <summary>Takes what comes until enough is there or nothing more comes for a while.</summary>
    private async Task CollectAsync(PartialBlob partial, ChannelReader<Arrival> chunks, CancellationToken cancellationToken, int until = 0)
    {
        while (partial.Missing > until && await WaitAsync(chunks, cancellationToken))
        {
            while (chunks.TryRead(out var arrival))
                partial.Add(arrival.Chunk, arrival.Bytes);
        }
    }

    private async Task<bool> TryPullAsync(string peer, BlobRef blob, PartialBlob partial, CancellationToken cancellationToken)
    {
        try
        {
            await PullAsync(peer, blob, partial, cancellationToken);
            return true;
        }
        catch (BlobUnavailableException)
        {
            return false;
        }
    }

    private async Task PullAsync(string producer, BlobRef blob, CancellationToken cancellationToken)
    {
        // Anybody can send a chunk: one that was not the producer's must not cost the blob.
        using (var first = store.Begin(blob))
        {
            await PullAsync(producer, blob, first, cancellationToken);
            if (first.TryComplete(out _))
                return;
        }
        using var second = store.Begin(blob);
        await PullAsync(producer, blob, second, cancellationToken);
        second.Complete();
    }

    private async Task PullAsync(string producer, BlobRef blob, PartialBlob partial, CancellationToken cancellationToken)
    {
        using var arrivals = inbox.Open(blob.Sha256, producer);
        var asked = new HashSet<int>();
        var next = 0;
        var deadline = stamp.Time.SteadyNow() + timing.GiveUp;
        while (partial.Missing > 0)
        {
            // What this node does not hear while it is cut off is not its peer's fault.
            if (!connection.IsConnected)
                deadline = stamp.Time.SteadyNow() + timing.GiveUp;
            if (asked.Count <= BlobRequest.Window / 2)
                next = await AskAsync(producer, blob, partial, asked, next, cancellationToken);
            if (await WaitAsync(arrivals.Chunks, cancellationToken))
            {
                while (arrivals.Chunks.TryRead(out var arrival))
                {
                    if (arrival.Refusal is { } refusal)
                        throw new BlobUnavailableException($"{producer} does not serve blob {blob.Sha256}: {refusal}");
                    asked.Remove(arrival.Chunk);
                    if (partial.Add(arrival.Chunk, arrival.Bytes))
                        deadline = stamp.Time.SteadyNow() + timing.GiveUp;
                }
                continue;
            }
            if (stamp.Time.SteadyNow() >= deadline)
                throw new BlobUnavailableException($"{producer} has not sent {partial.Missing} of {blob.ChunkCount} chunks of blob {blob.Sha256} for {timing.GiveUp.TotalSeconds:0} s.");
            asked.Clear();
            next = 0;
        }
    }

    private async Task<int> AskAsync(string producer, BlobRef blob, PartialBlob partial, HashSet<int> asked, int next, CancellationToken cancellationToken)
    {
        var wanted = ImmutableArray.CreateBuilder<int>();
        for (; next < blob.ChunkCount && asked.Count < BlobRequest.Window; next++)
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

    /// <summary>Waits for an arrival; false after a silence.</summary>
    private async Task<bool> WaitAsync(ChannelReader<Arrival> chunks, CancellationToken cancellationToken)
    {
        if (chunks.TryPeek(out _))
            return true;
        using var silence = new CancellationTokenSource(timing.Idle, stamp.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        try
        {
            return await chunks.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
