using MantaLight.Concurrency;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Blobs;

/// <summary>
/// Brings blobs into the node's store: globals from the broker's retained chunks, results from their producers with a
/// credit window. Several callers that want one blob share one transfer.
/// </summary>
internal sealed class BlobFetcher(
    IBrokerConnection connection, Topics topics, MessageStamp stamp, BlobStore store, ChunkInbox inbox, BlobTiming timing) : IAsyncDisposable
{
    private readonly BlobPull pull = new(connection, topics, stamp, store, inbox, timing);
    private readonly Lock gate = new();
    private readonly Dictionary<string, Transfer> transfers = new(StringComparer.Ordinal);
    private int disposed;

    /// <summary>Brings a global from the broker; what the broker does not have, from a peer that may.</summary>
    public Task FetchGlobalAsync(string swarm, BlobRef blob, string? peer, CancellationToken cancellationToken) =>
        FetchAsync(blob, "", stop => new RetainedRead(connection, topics, stamp, store, pull, timing, inbox.Drops).RunAsync(swarm, blob, peer == stamp.Node ? null : peer, stop), cancellationToken);

    public Task FetchResultAsync(string producer, BlobRef blob, CancellationToken cancellationToken) =>
        FetchAsync(blob, producer, stop => pull.RunAsync(producer, blob, stop), cancellationToken);

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

    /// <summary>Joins the transfer of the blob from there, or begins it: one from elsewhere may be waiting for what is not there.</summary>
    private async Task FetchAsync(BlobRef blob, string from, Func<CancellationToken, Task> transfer, CancellationToken cancellationToken)
    {
        if (!blob.IsSound())
            throw new MalformedDataException("A blob's pointer is not sound: hash, size and chunks do not agree.");
        if (store.Contains(blob.Sha256))
            return;
        var shared = Join($"{from}/{blob.Sha256}", transfer);
        try
        {
            await shared.Running.WaitAsync(cancellationToken);
        }
        finally
        {
            // Nobody waits for it any more: what it would still bring, nobody would remove, and how it has just failed, nobody would see.
            if (Leave(shared))
            {
                if (!shared.Running.IsCompleted)
                    await shared.Stop.CancelBesideAsync();
                await shared.Running.ConfigureAwait(Background.Quietly);
            }
        }
    }

    private Transfer Join(string key, Func<CancellationToken, Task> transfer)
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

    /// <summary>Whether it was the last one that waited; others then begin anew.</summary>
    private bool Leave(Transfer shared)
    {
        lock (gate)
        {
            if (--shared.Waiting > 0)
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
            throw new NodeStorageException($"Blob {shared.Key.Split('/')[1]} cannot be kept in this node's store: {e.Message}", e);
        }
        finally
        {
            Forget(shared);
        }
    }

    private sealed class Transfer(string key, CancellationTokenSource stop)
    {
        public string Key => key;

        public CancellationTokenSource Stop => stop;

        public Task Running { get; set; } = Task.CompletedTask;

        public int Waiting { get; set; }
    }
}
