using System.Buffers;
using MantaLight.Messaging;
using MantaLight.Mqtt.Connections;
using MantaLight.Protocol;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace MantaLight.Integration.Tests.Messaging;

public sealed class PacketReaderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Packets_are_read_whatever_the_pieces_in_which_they_come(int seed)
    {
        var random = new Random(seed);
        // Around each border: a length of one, two, three bytes; what is copied and what is not; what is read ahead.
        int[] sizes = [0, 1, 90, 127, 128, 16_000, 16_383, 16_384, 16_500, 60_000, 65_400, 65_536, 65_600, 200_000, 262_144, 2_097_152];
        var sent = sizes.Concat(sizes.OrderBy(_ => random.Next())).Select(size => Message(random, size)).ToArray();
        await using var bytes = new MemoryStream();
        foreach (var packet in sent)
        {
            bytes.Write(Encoded(packet));
            bytes.Write(Encoded(new MqttPingRespPacket()));
        }

        var sink = new Sink();
        var reader = ReaderOf(new PiecewiseStream(bytes.ToArray(), () => random.Next(4) switch { 0 => 1, 1 => random.Next(1, 10), 2 => random.Next(1, 5000), _ => 1 << 20 }), sink);

        foreach (var expected in sent)
        {
            Assert.IsType<MqttPingRespPacket>(await reader.ReadAsync(CancellationToken.None));
            var (read, identifier) = Assert.Single(sink.Messages);
            Assert.Equal(expected.Topic, read.Topic);
            Assert.Equal(expected.PacketIdentifier, identifier);
            Assert.Equal(expected.Retain, read.Retained);
            Assert.True(expected.Payload.ToArray().AsSpan().SequenceEqual(read.Payload.ToArray()));
            // Given back at once: the next must not disturb what has been compared, and does not find it as it was.
            PayloadBuffer.Release(read.Payload);
            sink.Messages.Clear();
        }
        Assert.Null(await reader.ReadAsync(CancellationToken.None));
    }

    [Fact]
    public async Task The_largest_chunk_that_the_protocol_allows_comes_through()
    {
        var largest = Message(new Random(6), BlobRef.MaximumChunkSize);
        var sink = new Sink();
        Assert.Null(await ReaderOf(new PiecewiseStream(Encoded(largest), () => 1 << 20), sink).ReadAsync(CancellationToken.None));
        var (read, _) = Assert.Single(sink.Messages);
        Assert.True(largest.Payload.ToArray().AsSpan().SequenceEqual(read.Payload.ToArray()));
        Assert.False(new BlobRef { Sha256 = new string('a', 64), Size = 1, ChunkSize = BlobRef.MaximumChunkSize + 1, ChunkCount = 1, Format = ValueFormat.Weights }.IsSound());
    }

    [Fact]
    public async Task A_connection_that_ends_within_a_packet_has_ended()
    {
        var whole = Encoded(Message(new Random(5), 40_000));
        foreach (var length in new[] { 0, 1, 3, 4, 10, 60, 16_000, 39_000, whole.Length - 1 })
            Assert.Null(await ReaderOf(new PiecewiseStream(whole[..length], () => 1000), new Sink()).ReadAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("30 80 80 80 80 01")] // a length of five bytes
    [InlineData("30 80 80 80 05")] // ten megabytes, beyond what the broker was told
    [InlineData("00 00")] // a type that there is not
    [InlineData("34 06 00 01 74 00 01 00")] // QoS 2, which nobody asked for
    [InlineData("32 06 00 01 74 00 00 00")] // nothing to acknowledge it by
    [InlineData("30 03 00 00 00")] // no topic, and no alias was offered
    [InlineData("30 05 00 01 74 09 00")] // properties that are longer than the message
    [InlineData("30 01 00")] // less than a topic's length
    [InlineData("48 02 00 01")] // an acknowledgement with flags, or a web server's answer
    [InlineData("40 01 00")] // an acknowledgement of nothing
    [InlineData("32 FF FF 7F 00 01 74 00 01 80 80 80 80 01")] // properties of such a length, in a message of two megabytes
    public async Task What_is_not_MQTT_is_refused(string bytes)
    {
        var reader = ReaderOf(new PiecewiseStream([.. Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal)), .. new byte[20_000]], () => 1), new Sink());
        await Assert.ThrowsAsync<MqttProtocolViolationException>(() => reader.ReadAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Acknowledgements_tell_what_is_refused()
    {
        byte[] bytes = [0x40, 2, 1, 2, 0x40, 3, 0, 7, 0x10, 0x40, 4, 0, 9, 0x87, 0, .. Encoded(new MqttPubAckPacket { PacketIdentifier = 5, ReasonCode = MqttPubAckReasonCode.QuotaExceeded, ReasonString = "full" })];
        var sink = new Sink();
        Assert.Null(await ReaderOf(new PiecewiseStream(bytes, () => 1), sink).ReadAsync(CancellationToken.None));
        Assert.Equal([(0x0102, null, null), (7, null, null), (9, MqttPubAckReasonCode.NotAuthorized, null), (5, MqttPubAckReasonCode.QuotaExceeded, "full")],
            sink.Answers.Select(answer => ((int)answer.Identifier, answer.Refusal?.ReasonCode, answer.Refusal?.ReasonString)));
    }

    private static MqttPublishPacket Message(Random random, int size)
    {
        var payload = new byte[size];
        random.NextBytes(payload);
        return new MqttPublishPacket
        {
            Topic = new string('t', random.Next(1, 200)),
            Payload = new ReadOnlySequence<byte>(payload),
            Retain = random.Next(2) == 0,
            QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
            PacketIdentifier = (ushort)random.Next(1, ushort.MaxValue),
            ContentType = random.Next(2) == 0 ? null : new string('c', random.Next(1, 300)),
        };
    }

    private static byte[] Encoded(MqttPacket packet) => Formatter().Encode(packet).ToArray();

    private static PacketReader ReaderOf(PiecewiseStream stream, Sink sink) => new(stream, Formatter(), sink);

    private static MqttPacketFormatterAdapter Formatter() => new(MqttProtocolVersion.V500, new MqttBufferWriter(4096, 65_535));

    private sealed class Sink : IPacketSink
    {
        public List<(BrokerMessage Message, ushort Identifier)> Messages { get; } = [];

        public List<(ushort Identifier, MqttPubAckPacket? Refusal)> Answers { get; } = [];

        public void Accepted(ushort keepAlive) => Assert.Fail("The reader knows nothing of it.");

        public void Received(in BrokerMessage message, ushort identifier) => Messages.Add((message, identifier));

        public void Acknowledged(ushort identifier, MqttPubAckPacket? refusal) => Answers.Add((identifier, refusal));
    }
}
