using MantaLight.Blobs;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Blobs;

/// <summary>Transfers keep a window of chunks on their way: no more, so that nobody is flooded, and no fewer, so that the line is full.</summary>
public sealed class WindowTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-window-").FullName;
    private readonly Topics topics = new("c");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_consumer_asks_for_more_when_half_a_window_has_come()
    {
        const int Chunks = 200;
        // Nothing is lost here: a silence would be the machine's.
        var patient = new BlobTiming { Idle = TimeSpan.FromMinutes(1), GiveUp = TimeSpan.FromMinutes(5) };
        var broker = new SimulatedBroker();
        await using var producer = await Peer.StartAsync("producer", broker, topics, folder, patient);
        await using var consumer = await Peer.StartAsync("consumer", broker, topics, folder, patient);
        var (_, blob) = producer.Write(Chunks * Peer.ChunkSize);
        await consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None);
        Assert.Equal(Chunks, producer.Requests.Sum(r => r.Chunks.Length));
        Assert.Equal(BlobRequest.Window, producer.Requests[0].Chunks.Length);
        Assert.All(producer.Requests.SkipLast(1), r => Assert.InRange(r.Chunks.Length, BlobRequest.Window / 2, BlobRequest.Window));
    }

    [Fact]
    public async Task A_producer_has_a_whole_window_on_its_way_and_sends_the_next_when_one_is_acknowledged()
    {
        var connection = new HeldAcknowledgements(await new SimulatedBroker().ConnectAsync(new ConnectionProfile { ClientId = "p" }, CancellationToken.None));
        await using var producer = Peer.Of("producer", connection, topics, folder);
        var (_, blob) = producer.Write(40 * Peer.ChunkSize);
        var publishing = producer.Publisher.PublishGlobalAsync("s", blob, CancellationToken.None);
        for (var acknowledged = 0; acknowledged < 40; acknowledged++)
        {
            await SwarmHarness.EventuallyAsync(() => connection.UnderWay == Math.Min(BrokerLimits.MaximumWindow, 40 - acknowledged));
            connection.Acknowledge();
        }
        await publishing.WaitAsync(SwarmHarness.Patience);
        Assert.Equal(BrokerLimits.MaximumWindow, connection.MostUnderWay);
    }
}
