using System.Threading.Channels;
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
    public async Task A_consumer_asks_for_more_when_half_a_window_has_come_and_no_sooner()
    {
        const int Half = BlobRequest.Window / 2;
        // Nothing is lost here: a silence would be the machine's.
        var patient = new BlobTiming { Idle = TimeSpan.FromMinutes(1), GiveUp = TimeSpan.FromMinutes(5) };
        var broker = new SimulatedBroker();
        await using var consumer = await Peer.StartAsync("consumer", broker, topics, folder, patient);
        await using var line = await broker.ConnectAsync(new ConnectionProfile { ClientId = "producer" }, CancellationToken.None);
        await using var producer = Peer.Of("producer", line, topics, folder);
        var requests = Channel.CreateUnbounded<BlobRequest>();
        await line.SubscribeAsync(topics.Inbox("producer"), m => requests.Writer.TryWrite((BlobRequest)ProtocolJson.Read<ControlMessage>(m.Payload, out _)!), CancellationToken.None);
        var (bytes, blob) = producer.Write(5 * Half * Peer.ChunkSize);

        var fetching = consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None);
        var sent = 0;
        for (var asked = 0; asked < 5 * Half;)
        {
            var request = await requests.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(SwarmHarness.Patience);
            // The first is for a whole window; each other one comes when half of one has: an earlier or later one would be for fewer or more.
            Assert.Equal(Enumerable.Range(asked, asked == 0 ? BlobRequest.Window : Half), request.Chunks);
            asked += request.Chunks.Length;
            while (sent < asked - Half)
                await SendAsync(sent++);
        }
        while (sent < 5 * Half)
            await SendAsync(sent++);
        await fetching.WaitAsync(SwarmHarness.Patience);
        Assert.Equal(bytes, consumer.Read(blob));

        async Task SendAsync(int chunk) => await line.PublishAsync(
            new OutboundMessage($"{topics.NodeBlobs("consumer")}{blob.Sha256}/{chunk}", bytes.AsMemory(chunk * Peer.ChunkSize, Peer.ChunkSize)), CancellationToken.None);
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
