using MantaLight.Blobs;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Blobs;

/// <summary>Globals as the broker keeps them, and what it has lost or spoiled of them.</summary>
public sealed class GlobalReadTests : IAsyncLifetime
{
    private const int ChunkSize = Peer.ChunkSize;

    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-blobs-").FullName;
    private readonly Topics topics = new("c");
    private readonly SimulatedBroker broker = new();
    private Peer producer = null!;
    private Peer consumer = null!;

    public async ValueTask InitializeAsync()
    {
        producer = await Peer.StartAsync("producer", broker, topics, folder);
        consumer = await Peer.StartAsync("consumer", broker, topics, folder);
    }

    public async ValueTask DisposeAsync()
    {
        await producer.DisposeAsync();
        await consumer.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_global_is_read_from_the_broker_alone()
    {
        var (bytes, blob) = producer.Write((60 * ChunkSize) + 5);
        await producer.Publisher.PublishGlobalAsync("s", blob, CancellationToken.None);
        await producer.DisposeAsync();
        await consumer.Fetcher.FetchGlobalAsync("s", blob, peer: null, CancellationToken.None);
        Assert.Equal(bytes, consumer.Read(blob));
    }

    [Fact]
    public async Task A_global_is_read_chunk_by_chunk_where_wildcards_replay_nothing()
    {
        var plain = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { MaximumPacketSize = 1 << 20, ReplaysRetainedByWildcard = false } });
        await using var one = await Peer.StartAsync("one", plain, topics, folder);
        await using var two = await Peer.StartAsync("two", plain, topics, folder);
        var (bytes, blob) = one.Write(50 * ChunkSize);
        await one.Publisher.PublishGlobalAsync("s", blob, CancellationToken.None);
        await two.Fetcher.FetchGlobalAsync("s", blob, peer: null, CancellationToken.None);
        Assert.Equal(bytes, two.Read(blob));
    }

    [Fact]
    public async Task A_global_with_a_chunk_missing_is_reported_not_made_up()
    {
        var (_, blob) = producer.Write(10 * ChunkSize);
        await producer.Publisher.PublishGlobalAsync("s", blob, CancellationToken.None);
        await producer.Connection.PublishAsync(new OutboundMessage(topics.SwarmBlob("s", blob.Sha256, 4), ReadOnlyMemory<byte>.Empty, retain: true), CancellationToken.None);
        var error = await Assert.ThrowsAsync<BlobUnavailableException>(() => consumer.Fetcher.FetchGlobalAsync("s", blob, peer: null, CancellationToken.None));
        Assert.Contains("1 of 10 chunks", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_retained_chunk_that_does_not_fit_is_no_progress()
    {
        var (bytes, blob) = producer.Write(3 * ChunkSize);
        await producer.Publisher.PublishGlobalAsync("s", blob, CancellationToken.None);
        var chunk = topics.SwarmBlob("s", blob.Sha256, 1);
        await producer.Connection.PublishAsync(new OutboundMessage(chunk, bytes.AsMemory(0, 10), retain: true), CancellationToken.None);
        var error = await Assert.ThrowsAsync<BlobUnavailableException>(() => consumer.Fetcher.FetchGlobalAsync("s", blob, peer: null, CancellationToken.None));
        Assert.Contains("1 of 3 chunks", error.Message, StringComparison.Ordinal);
        // The producer has it whole.
        await consumer.Fetcher.FetchGlobalAsync("s", blob, peer: "producer", CancellationToken.None);
        Assert.Equal(bytes, consumer.Read(blob));
    }

    [Fact]
    public async Task What_the_broker_has_spoiled_is_brought_from_a_peer_or_refused()
    {
        var (bytes, blob) = producer.Write(3 * ChunkSize);
        await producer.Publisher.PublishGlobalAsync("s", blob, CancellationToken.None);
        await producer.Connection.PublishAsync(new OutboundMessage(topics.SwarmBlob("s", blob.Sha256, 1), new byte[ChunkSize], retain: true), CancellationToken.None);
        var error = await Assert.ThrowsAsync<MalformedDataException>(() => consumer.Fetcher.FetchGlobalAsync("s", blob, peer: null, CancellationToken.None));
        Assert.Contains("has another hash", error.Message, StringComparison.Ordinal);
        Assert.False(consumer.Store.Contains(blob.Sha256));
        await consumer.Fetcher.FetchGlobalAsync("s", blob, peer: "producer", CancellationToken.None);
        Assert.Equal(bytes, consumer.Read(blob));
    }

    [Fact]
    public async Task A_chunk_that_only_comes_by_is_not_taken_for_one_that_the_broker_keeps()
    {
        var (bytes, blob) = producer.Write(ChunkSize);
        var asking = producer.Publisher.IsOnBrokerAsync("s", blob, sign: null, CancellationToken.None);
        // Now and then, and not so fast that what is to be read back waits behind it.
        for (var pause = TimeSpan.Zero; !asking.IsCompleted; pause = TimeSpan.FromMilliseconds(5))
        {
            await Task.WhenAny(asking, Task.Delay(pause));
            await consumer.Connection.PublishAsync(new OutboundMessage(topics.SwarmBlob("s", blob.Sha256, 0), bytes), CancellationToken.None);
        }
        Assert.False(await asking);
        await producer.Publisher.PublishGlobalAsync("s", blob, CancellationToken.None);
        Assert.True(await producer.Publisher.IsOnBrokerAsync("s", blob, sign: null, CancellationToken.None));
    }
}
