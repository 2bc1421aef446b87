using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Mqtt.Connections;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace MantaLight.Integration.Tests.Messaging;

public sealed class PacketWriterTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(500, 1)]
    [InlineData(200_000, 2)]
    public async Task A_message_is_written_in_as_few_pieces_as_can_be(int size, int pieces)
    {
        await using var link = new Link();
        for (var round = 0; round < 3; round++)
        {
            link.Stream.Written.Clear();
            var message = Message("t/x", size);
            await link.PublishAsync(message, answer: true);
            Assert.Equal(pieces, link.Stream.Written.Count);
            Assert.Equal(Encoded(message, (ushort)(round + 1)), link.Stream.Written.SelectMany(piece => piece));
        }
    }

    [Fact]
    public async Task Messages_are_as_the_library_writes_them()
    {
        foreach (var size in new[] { 0, 1, 100, 127, 128, 16_300, 16_384, 40_000, 2_097_100, 2_097_152 })
        {
            foreach (var name in new TopicName[] { "t", new string('ü', 40), new("c/nodes/n/blobs/h", 0), new("c", 1234567890), new string('l', 20_000) })
            {
                foreach (var (retain, delivery) in new[] { (false, Delivery.AtLeastOnce), (true, Delivery.AtLeastOnce), (true, Delivery.AtMostOnce) })
                {
                    await using var link = new Link();
                    var message = new OutboundMessage(name, Payload(size), retain, delivery);
                    await link.PublishAsync(message, answer: delivery == Delivery.AtLeastOnce);
                    var written = link.Stream.Written.SelectMany(piece => piece).ToArray();
                    Assert.True(Encoded(message, (ushort)(delivery == Delivery.AtLeastOnce ? 1 : 0)).AsSpan().SequenceEqual(written));
                    Assert.Equal(PublishPacket.Size(message), written.Length);
                }
            }
        }
    }

    [Fact]
    public async Task What_is_small_and_waits_goes_out_together()
    {
        var gate = new TaskCompletionSource();
        await using var link = new Link();
        link.Stream.Gate = gate.Task;
        var first = link.Publish(Message("a", 10));
        for (ushort identifier = 1; identifier <= 5; identifier++)
            Assert.True(link.Writer.TryAcknowledge(identifier));
        var others = Enumerable.Range(0, 3).Select(i => link.Publish(Message(new TopicName("b", i), 10)).AsTask()).ToList();
        gate.SetResult();
        await link.AnswerAllAsync(4);
        await first;
        await Task.WhenAll(others);
        // Answered is not yet written here.
        var all = PublishPacket.Size(Message("a", 10)) + (3 * PublishPacket.Size(Message(new TopicName("b", 0), 10))) + (5 * PublishPacket.AcknowledgementSize);
        while (link.Stream.BytesWritten < all)
            await Task.Yield();
        Assert.InRange(link.Stream.Written.Count, 1, 3);
    }

    [Fact]
    public async Task An_answer_to_what_is_still_being_written_does_not_give_the_memory_back()
    {
        var gate = new TaskCompletionSource();
        await using var link = new Link();
        link.Stream.Gate = gate.Task;
        var publish = link.Publish(Message("a", 200_000)).AsTask();
        while (link.Writer.Answered(1) is not { } early || !Mark(early))
            await Task.Yield();
        Assert.False(publish.IsCompleted);
        gate.SetResult();
        await publish;

        static bool Mark(OutgoingPublish publish)
        {
            publish.MarkAnswered(null);
            return true;
        }
    }

    [Fact]
    public async Task Messages_may_wait_to_be_acknowledged_until_no_identifier_is_left_for_another()
    {
        await using var link = new Link();
        link.Stream.Gate = new TaskCompletionSource().Task;
        var stuck = link.Publish(Message("a", 1)).AsTask();
        await link.Stream.Begun.Task;
        for (var i = 0; i < ushort.MaxValue; i++)
            Assert.True(link.Writer.TryAcknowledge(1));
        Assert.False(link.Writer.TryAcknowledge(1));
        Assert.False(stuck.IsCompleted);
    }

    [Fact]
    public async Task Nothing_follows_a_goodbye()
    {
        await using var link = new Link();
        await link.Writer.SendAsync([0xE0, 0x00]);
        await link.Writer.Finished;
        await Assert.ThrowsAsync<IOException>(() => link.Writer.SendAsync([0xC0, 0x00]));
        Assert.Equal([0xE0, 0x00], link.Stream.Written.SelectMany(piece => piece));
    }

    [Fact]
    public async Task An_identifier_is_not_given_to_two_that_wait_and_never_the_library_s()
    {
        var window = new PublishWindow(3);
        var pool = new OutgoingPublishes();
        var stays = pool.Begin(Message("a", 1), CancellationToken.None);
        window.Add(stays);
        for (var i = 0; i < 3 * ushort.MaxValue; i++)
        {
            var publish = pool.Begin(Message("a", 1), CancellationToken.None);
            window.Add(publish);
            Assert.NotEqual(stays.Identifier, publish.Identifier);
            Assert.NotEqual(PublishWindow.OtherIdentifier, publish.Identifier);
            Assert.NotEqual(0, publish.Identifier);
            Assert.Same(publish, window.Take(publish.Identifier));
            Assert.Null(window.Take(publish.Identifier));
            publish.MarkAnswered(null);
            publish.MarkWritten();
            await publish.Done;
        }
    }

    [Fact]
    public async Task One_that_is_cancelled_while_it_waits_is_not_used_again_before_the_link_has_seen_it()
    {
        var pool = new OutgoingPublishes();
        using var cancel = new CancellationTokenSource();
        var cancelled = pool.Begin(Message("a", 1), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cancelled.Done);
        Assert.NotSame(cancelled, pool.Begin(Message("b", 1), CancellationToken.None));
        Assert.False(cancelled.TryStart());
        cancelled.Release();
        Assert.Same(cancelled, pool.Begin(Message("c", 1), CancellationToken.None));
    }

    private static OutboundMessage Message(TopicName name, int size) => new(name, Payload(size));

    private static byte[] Payload(int size)
    {
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        return payload;
    }

    private static byte[] Encoded(in OutboundMessage message, ushort identifier) => new MqttPacketFormatterAdapter(MqttProtocolVersion.V500, new MqttBufferWriter(4096, 65_535)).Encode(new MqttPublishPacket
    {
        Topic = message.Topic, Payload = message.Payload, Retain = message.Retain, QualityOfServiceLevel = (MqttQualityOfServiceLevel)message.Delivery, PacketIdentifier = identifier,
    }).ToArray();

    private sealed class Link : IAsyncDisposable
    {
        private readonly CancellationTokenSource alive = new();
        private readonly OutgoingPublishes publishes = new();

        public Link()
        {
            Writer = new PacketWriter(new PendingAcknowledgements(TimeProvider.System), new TrafficCounter(), _ => new BrokerConnectionLostException("down"), alive.Token);
            Writer.Open(4);
            Writer.Start(Stream, _ => { });
        }

        public PacketWriter Writer { get; }

        public PiecewiseStream Stream { get; } = new([], () => 1);

        public ValueTask Publish(in OutboundMessage message)
        {
            var publish = publishes.Begin(message, CancellationToken.None);
            var done = publish.Done;
            Assert.True(Writer.TryPublish(publish));
            return done;
        }

        public async Task PublishAsync(OutboundMessage message, bool answer)
        {
            var before = Stream.BytesWritten;
            var done = Publish(message);
            // As a broker does, which answers what it has.
            while (Stream.BytesWritten < before + PublishPacket.Size(message))
                await Task.Yield();
            if (answer)
                await AnswerAllAsync(1);
            await done;
        }

        public async Task AnswerAllAsync(int count)
        {
            for (ushort identifier = 1; count > 0; identifier = (ushort)(identifier % 100 + 1))
            {
                if (Writer.Answered(identifier) is { } publish)
                {
                    publish.MarkAnswered(null);
                    count--;
                }
                await Task.Yield();
            }
        }

        public async ValueTask DisposeAsync()
        {
            await alive.CancelAsync();
            await Writer.Finished;
            alive.Dispose();
        }
    }
}
