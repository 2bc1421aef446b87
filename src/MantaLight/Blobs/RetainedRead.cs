using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Blobs;

/// <summary>Brings a global from the broker's retained chunks; what the broker does not have, or has spoiled, from a peer that may.</summary>
internal sealed class RetainedRead(IBrokerConnection connection, Topics topics, MessageStamp stamp, BlobStore store, BlobPull pull, BlobTiming timing, Drops drops)
{
    // A wildcard replay is delivered as fast as the broker can: more chunks than this overflow common queues.
    private const int MaximumReplay = 256;

    /// <summary>After so many silences in a row nothing more of a replay is on its way.</summary>
    private const int ReplayIsOver = 2;

    private readonly ChunkPace pace = new(timing, stamp.Time);

    public async Task RunAsync(string swarm, BlobRef blob, string? peer, CancellationToken cancellationToken)
    {
        using var partial = store.Begin(blob);
        using var chunks = new ChunkLine(blob, drops, stamp.Time);
        var parent = topics.SwarmBlobs(swarm, blob.Sha256);
        void Take(BrokerMessage message)
        {
            if (message.Payload.IsEmpty)
                return;
            if (message.Name.TrySplit(out _, out var index) && message.Payload.Length <= blob.ChunkSize)
                chunks.Put(new Arrival(index, message.Payload));
            else
                Telemetry.Drop(Telemetry.Malformed);
        }
        var replays = connection.Limits.ReplaysRetainedByWildcard && blob.ChunkCount <= MaximumReplay;
        // To the end: on a slow line its replay comes later than anybody waits for it.
        await using var all = replays ? await connection.SubscribeAsync($"{parent}/+", Take, cancellationToken) : null;
        var silences = replays ? 0 : ReplayIsOver;
        int[] every = [.. Enumerable.Range(0, blob.ChunkCount)];
        while (true)
        {
            if (silences < ReplayIsOver)
                silences = await CollectAsync(chunks, partial, every, cancellationToken) ? 0 : silences + 1;
            if (partial.Missing == 0)
                break;
            // Whatever the wildcard did not bring is fetched chunk by chunk: the way on brokers that do not replay by wildcard.
            if (await FetchAsync(swarm, blob, chunks, partial, Take, cancellationToken))
                continue;
            if (peer is not null && await pull.TryRunAsync(peer, blob, partial, cancellationToken))
                break;
            if (pace.IsOver)
                throw new BlobUnavailableException($"{partial.Missing} of {blob.ChunkCount} chunks of global {blob.Sha256} of swarm '{swarm}' are not retained at the broker.");
        }
        if (partial.TryComplete(out _))
            return;
        // Spoiled on the broker: it would give the same again.
        if (peer is null)
            throw new MalformedDataException($"What the broker keeps as global {blob.Sha256} of swarm '{swarm}' has another hash; it was dropped.");
        await pull.RunAsync(peer, blob, cancellationToken);
    }

    /// <summary>Subscribes to what is missing, half a window while the other half comes, so that the line is never idle between two; false where nothing has come.</summary>
    private async Task<bool> FetchAsync(
        string swarm, BlobRef blob, ChunkLine chunks, PartialBlob partial, Action<BrokerMessage> take, CancellationToken cancellationToken)
    {
        var windows = new Queue<(int[] Chunks, IAsyncDisposable Subscription)>();
        var (hasCome, next) = (false, 0);
        try
        {
            while (true)
            {
                while (windows.Count < 2 && partial.TakeMissing(ref next, Math.Max(1, pace.Window / 2)) is { Length: > 0 } wanted)
                {
                    var topicsOfThem = Array.ConvertAll(wanted, chunk => topics.SwarmBlob(swarm, blob.Sha256, chunk));
                    windows.Enqueue((wanted, await connection.SubscribeAsync(topicsOfThem, take, cancellationToken)));
                    if (pace.Window == 1)
                        break;
                }
                if (!windows.TryPeek(out var first))
                    return hasCome;
                hasCome |= await CollectAsync(chunks, partial, first.Chunks, cancellationToken);
                if (partial.Lacks(first.Chunks))
                    return hasCome;
                windows.Dequeue();
                await first.Subscription.DisposeAsync();
            }
        }
        finally
        {
            foreach (var window in windows)
                await window.Subscription.DisposeAsync();
        }
    }

    /// <summary>Takes what comes until the awaited ones are there or nothing more comes for a while; false where nothing has come.</summary>
    private async Task<bool> CollectAsync(ChunkLine chunks, PartialBlob partial, int[] awaited, CancellationToken cancellationToken)
    {
        var hasCome = false;
        while (partial.Lacks(awaited) && await pace.WaitAsync(chunks, cancellationToken))
        {
            var fits = false;
            while (chunks.TryTake(out var arrival))
            {
                partial.Add(arrival);
                arrival.Release();
                // One of a wrong length would come each time that it is asked for.
                if (!partial.Fits(arrival))
                    continue;
                pace.Arrived();
                hasCome = fits = true;
            }
            if (!fits && pace.IsOver)
                break;
        }
        return hasCome;
    }
}
