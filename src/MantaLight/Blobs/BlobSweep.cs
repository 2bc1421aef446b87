using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Blobs;

/// <summary>
/// Removes every chunk of a swarm from the broker: those of known blobs and, where the broker replays by wildcard, those
/// that nobody remembers, such as what a node had put there when it was killed.
/// </summary>
internal sealed class BlobSweep(IBrokerConnection connection, Topics topics, string swarm, TimeProvider time)
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    private int cleared;

    /// <summary>Sweeps until nothing more is found; false when the patience is over before.</summary>
    public async Task<bool> RunAsync(IEnumerable<BlobRef> known, TimeSpan patience, CancellationToken cancellationToken)
    {
        var deadline = time.SteadyNow() + patience;
        var pending = known.SelectMany(blob => Enumerable.Range(0, blob.ChunkCount).Select(chunk => topics.SwarmBlob(swarm, blob.Sha256, chunk)));
        foreach (var topic in pending)
        {
            if (!await ClearAsync(topic, deadline, cancellationToken))
                return false;
        }
        if (!connection.Limits.ReplaysRetainedByWildcard)
            return true;
        // A replay is cut off where it exceeds the broker's queue: until one brings nothing.
        for (var before = -1; before < cleared;)
        {
            before = cleared;
            if (!await ClearReplayedAsync(deadline, cancellationToken))
                return false;
        }
        return true;
    }

    private async Task<bool> ClearReplayedAsync(DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        var found = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
        await using var subscription = await connection.SubscribeAsync(topics.AllSwarmBlobs(swarm), message =>
        {
            if (!message.Payload.IsEmpty)
                found.Writer.TryWrite(message.Topic);
        }, cancellationToken);
        while (await ComesAsync(found.Reader, cancellationToken))
        {
            while (found.Reader.TryRead(out var topic))
            {
                if (!await ClearAsync(topic, deadline, cancellationToken))
                    return false;
            }
        }
        return true;
    }

    private async Task<bool> ClearAsync(string topic, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        if (time.SteadyNow() >= deadline)
            return false;
        await connection.PublishAsync(new OutboundMessage(topic, ReadOnlyMemory<byte>.Empty, retain: true), cancellationToken);
        await BlobPublisher.PaceAsync(++cleared, time, cancellationToken);
        return true;
    }

    private async Task<bool> ComesAsync(ChannelReader<string> found, CancellationToken cancellationToken)
    {
        if (found.TryPeek(out _))
            return true;
        using var silence = new CancellationTokenSource(Silence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        try
        {
            return await found.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
