using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Blobs;

/// <summary>
/// Removes every global of a swarm and its chunks from the broker: the known ones and, where the broker replays by wildcard,
/// those that nobody remembers, such as what a node had put there when it was killed.
/// </summary>
/// <param name="connection">The coordinator's.</param>
/// <param name="topics">The cluster's.</param>
/// <param name="swarm">The swarm.</param>
/// <param name="sign">What tells others that it goes on.</param>
/// <param name="time">The time.</param>
internal sealed class RetainedSweep(IBrokerConnection connection, Topics topics, string swarm, SignOfLife sign, TimeProvider time)
{
    /// <summary>More are found by the next replay.</summary>
    private const int Capacity = 4096;

    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    private int cleared;

    /// <summary>Sweeps until nothing more is found, which can take minutes: now and then it gives a sign of life.</summary>
    public async Task RunAsync(IEnumerable<BlobRef> blobs, IEnumerable<string> tags, CancellationToken cancellationToken)
    {
        await sign.GiveAsync();
        // What is known first: a replay would bring all of its bytes once more.
        foreach (var topic in blobs.SelectMany(blob => Enumerable.Range(0, blob.ChunkCount).Select(chunk => topics.SwarmBlob(swarm, blob.Sha256, chunk))))
            await ClearAsync(topic, cancellationToken);
        foreach (var tag in tags.Distinct())
            await ClearAsync(topics.Global(swarm, tag), cancellationToken);
        if (!connection.Limits.ReplaysRetainedByWildcard)
            return;
        // A replay is cut off where it exceeds the broker's queue: until one brings nothing.
        for (var before = -1; before < cleared;)
        {
            before = cleared;
            await ClearReplayedAsync(topics.AllSwarmBlobs(swarm), cancellationToken);
            await ClearReplayedAsync(topics.AllGlobals(swarm), cancellationToken);
        }
    }

    private async Task ClearReplayedAsync(string filter, CancellationToken cancellationToken)
    {
        var found = Channel.CreateBounded<string>(new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        await using var subscription = await connection.SubscribeAsync(filter, message =>
        {
            if (!message.Payload.IsEmpty)
                found.Writer.TryWrite(message.Topic);
        }, cancellationToken);
        while (await found.Reader.ComesWithinAsync(Silence, time, cancellationToken))
        {
            while (found.Reader.TryRead(out var topic))
                await ClearAsync(topic, cancellationToken);
        }
        await sign.GiveAsync();
    }

    private async Task ClearAsync(string topic, CancellationToken cancellationToken)
    {
        await connection.PublishAsync(new OutboundMessage(topic, ReadOnlyMemory<byte>.Empty, retain: true), cancellationToken);
        await BlobPublisher.PaceAsync(++cleared, time, cancellationToken);
        await sign.GiveAsync();
    }
}
