using MantaLight.Blobs;
using MantaLight.Concurrency;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Integration.Tests.Messaging;

/// <summary>What is allocated while chunks go from node to node. Nothing else may run in the process meanwhile.</summary>
[CollectionDefinition(nameof(ChunkMemoryTests), DisableParallelization = true)]
[Collection(nameof(ChunkMemoryTests))]
public sealed class ChunkMemoryTests(MosquittoFixture mosquitto) : IClassFixture<MosquittoFixture>, IDisposable
{
    private const int Chunks = 128, ChunkSize = 256 * 1024;

    // Nothing is lost here: a silence would be the machine's.
    private static readonly BlobTiming Patient = new() { Idle = TimeSpan.FromMinutes(1), GiveUp = TimeSpan.FromMinutes(5) };

    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-chunks-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_chunk_on_its_way_from_node_to_node_allocates_nothing()
    {
        var broker = new MqttBroker(new MqttBrokerOptions { Uri = mosquitto.Uri });
        await using var sender = await broker.ConnectAsync(new ConnectionProfile { ClientId = "sender" }, TestContext.Current.CancellationToken);
        await using var receiver = await broker.ConnectAsync(new ConnectionProfile { ClientId = "receiver" }, TestContext.Current.CancellationToken);
        var arrived = new Signal();
        var (count, inOrder, parent) = (0, true, $"c{Guid.NewGuid():n}/blobs/hash");
        await using var subscription = await receiver.SubscribeAsync($"{parent}/+", message =>
        {
            // Assertions allocate.
            inOrder &= message.Name.TrySplit(out _, out var chunk) && chunk == count % Chunks;
            PayloadBuffer.Release(message.Payload);
            if (++count % Chunks == 0)
                arrived.Set();
        }, TestContext.Current.CancellationToken);
        var bytes = new byte[ChunkSize];
        var sent = new ValueTask[sender.Limits.Window];

        // Pools are filled, and what runs often is compiled as well as it ever is.
        for (var i = 0; i < 20; i++)
            await SendAsync();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < 8; i++)
            await SendAsync();
        // A timer, a ping, a pool that two threads were at: the smallest thing made for each would be more.
        Assert.InRange((GC.GetTotalAllocatedBytes(precise: true) - before) / (8.0 * Chunks), 0, 64);
        Assert.True(inOrder);

        async Task SendAsync()
        {
            for (var i = 0; i < Chunks + sent.Length; i++)
            {
                if (i >= sent.Length)
                    await sent[i % sent.Length];
                if (i < Chunks)
#pragma warning disable CA2012 // Each is awaited once, when its place is needed or at the end.
                    sent[i % sent.Length] = sender.PublishAsync(new OutboundMessage(new TopicName(parent, i), bytes), CancellationToken.None);
#pragma warning restore CA2012
            }
            await arrived.WaitAsync();
        }
    }

    [Fact]
    public async Task A_blob_costs_producer_and_consumer_its_requests()
    {
        var topics = new Topics($"c{Guid.NewGuid():n}");
        var broker = new MqttBroker(new MqttBrokerOptions { Uri = mosquitto.Uri });
        await using var producer = await Peer.StartAsync("producer", broker, topics, folder, Patient);
        await using var consumer = await Peer.StartAsync("consumer", broker, topics, folder, Patient);
        var (_, blob) = producer.Write(Chunks * ChunkSize, ChunkSize);
        for (var i = 0; i < 40; i++)
            await PullAsync(consumer, blob);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < 4; i++)
            await PullAsync(consumer, blob);
        // One request for every few chunks, a kilobyte at most for each of these.
        Assert.InRange((GC.GetTotalAllocatedBytes(precise: true) - before) / (4 * Chunks), 1, 2000);
    }

    [Theory]
    [InlineData(Chunks, "by wildcard")]
    [InlineData(3 * Chunks, "by the window")]
    public async Task A_global_costs_who_publishes_and_who_reads_it_its_requests(int chunks, string replayed)
    {
        const int SmallChunk = 20_000;
        var topics = new Topics($"c{Guid.NewGuid():n}");
        var broker = new MqttBroker(new MqttBrokerOptions { Uri = mosquitto.Uri });
        await using var producer = await Peer.StartAsync("producer", broker, topics, folder, Patient);
        await using var consumer = await Peer.StartAsync("consumer", broker, topics, folder, Patient);
        var (_, blob) = producer.Write(chunks * SmallChunk, SmallChunk);
        for (var i = 0; i < 30; i++)
            await PassAsync();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < 4; i++)
            await PassAsync();
        // Much less than a chunk; whoever subscribes to half a window names each of its chunks.
        var each = (GC.GetTotalAllocatedBytes(precise: true) - before) / (4 * chunks);
        Assert.True(each < 3000, $"{replayed}: {each} bytes for each chunk");

        async Task PassAsync()
        {
            await producer.Publisher.PublishGlobalAsync("s", blob, TestContext.Current.CancellationToken);
            await consumer.Fetcher.FetchGlobalAsync("s", blob, peer: null, TestContext.Current.CancellationToken);
            consumer.Store.Delete(blob.Sha256);
        }
    }

    private static async Task PullAsync(Peer consumer, BlobRef blob)
    {
        await consumer.Fetcher.FetchResultAsync("producer", blob, TestContext.Current.CancellationToken);
        consumer.Store.Delete(blob.Sha256);
    }
}
