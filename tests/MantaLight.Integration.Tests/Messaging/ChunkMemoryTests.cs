using MantaLight.Blobs;
using MantaLight.Integration.Tests.Brokers;
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
    public async Task A_chunk_costs_producer_and_consumer_no_more_memory_than_its_bookkeeping()
    {
        var topics = new Topics($"c{Guid.NewGuid():n}");
        var broker = new MqttBroker(new MqttBrokerOptions { Uri = mosquitto.Uri });
        await using var producer = await Peer.StartAsync("producer", broker, topics, folder, Patient);
        await using var consumer = await Peer.StartAsync("consumer", broker, topics, folder, Patient);
        var (_, blob) = producer.Write(Chunks * ChunkSize, ChunkSize);
        // Pools are filled, and what runs often is compiled as well as it ever is.
        for (var i = 0; i < 20; i++)
            await PullAsync(consumer, blob);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < 4; i++)
            await PullAsync(consumer, blob);
        var allocated = (GC.GetTotalAllocatedBytes(precise: true) - before) / (4 * Chunks);
        // Of 262,144 bytes that it carries; most of it is the MQTT library's.
        Assert.InRange(allocated, 1, 10_000);
    }

    private static async Task PullAsync(Peer consumer, BlobRef blob)
    {
        await consumer.Fetcher.FetchResultAsync("producer", blob, TestContext.Current.CancellationToken);
        consumer.Store.Delete(blob.Sha256);
    }
}
