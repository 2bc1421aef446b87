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

    [Fact]
    public async Task The_chunks_of_the_next_request_go_before_those_of_the_last_are_acknowledged()
    {
        const int Half = BrokerLimits.MaximumWindow / 2;
        var connection = new HeldAcknowledgements(await new SimulatedBroker().ConnectAsync(new ConnectionProfile { ClientId = "p" }, CancellationToken.None));
        await using var producer = Peer.Of("producer", connection, topics, folder);
        var (_, blob) = producer.Write(3 * Half * Peer.ChunkSize);
        foreach (var consumer in new[] { "one", "two", "three" })
            producer.Server.Ask(new MessageStamp(consumer, consumer, TimeProvider.System).Stamp(new BlobRequest { Hash = blob.Sha256, ChunkSize = blob.ChunkSize, Chunks = [.. Enumerable.Range(0, Half)] }));

        // Whoever asked: the window is full, and each acknowledgement makes room for one more.
        for (var acknowledged = 0; acknowledged < 3 * Half; acknowledged++)
        {
            await SwarmHarness.EventuallyAsync(() => connection.UnderWay == Math.Min(BrokerLimits.MaximumWindow, (3 * Half) - acknowledged));
            connection.Acknowledge();
        }
        Assert.Equal(BrokerLimits.MaximumWindow, connection.MostUnderWay);
    }

    [Fact]
    public async Task A_reader_of_retained_chunks_asks_for_the_next_while_half_a_window_comes()
    {
        const int Half = BlobRequest.Window / 2;
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { MaximumPacketSize = 1 << 20, ReplaysRetainedByWildcard = false } });
        await using var producer = await Peer.StartAsync("producer", broker, topics, folder);
        var (bytes, blob) = producer.Write(4 * Half * Peer.ChunkSize);
        await producer.Publisher.PublishGlobalAsync("s", blob, CancellationToken.None);
        var held = new HeldDeliveries(await broker.ConnectAsync(new ConnectionProfile { ClientId = "consumer" }, CancellationToken.None));
        await using var consumer = Peer.Of("consumer", held, topics, folder, new BlobTiming { Idle = TimeSpan.FromMinutes(1), GiveUp = TimeSpan.FromMinutes(5) });

        var fetching = consumer.Fetcher.FetchGlobalAsync("s", blob, peer: null, CancellationToken.None);
        for (var windows = 2; windows <= 4; windows++)
        {
            // Two halves are asked for, each with one request; the one after them waits for the first.
            await SwarmHarness.EventuallyAsync(() => held.Waiting == 2 * Half);
            Assert.Equal([.. Enumerable.Repeat(Half, windows)], held.Requests);
            held.Deliver(Half);
        }
        await SwarmHarness.EventuallyAsync(() => held.Waiting == Half);
        held.Deliver(Half);
        await fetching.WaitAsync(SwarmHarness.Patience);
        Assert.Equal(bytes, consumer.Read(blob));
    }
}
