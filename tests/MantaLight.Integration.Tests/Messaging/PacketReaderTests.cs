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

        var reader = ReaderOf(new PiecewiseChannel(bytes.ToArray(), () => random.Next(4) switch { 0 => 1, 1 => random.Next(1, 10), 2 => random.Next(1, 5000), _ => 1 << 20 }));

        foreach (var expected in sent)
        {
            var read = Assert.IsType<MqttPublishPacket>(await reader.ReadAsync(CancellationToken.None));
            Assert.Equal(expected.Topic, read.Topic);
            Assert.Equal(expected.PacketIdentifier, read.PacketIdentifier);
            Assert.Equal(expected.Retain, read.Retain);
            Assert.Equal(expected.QualityOfServiceLevel, read.QualityOfServiceLevel);
            Assert.Equal(expected.ContentType, read.ContentType);
            Assert.True(expected.Payload.ToArray().AsSpan().SequenceEqual(read.Payload.ToArray()));
            // Given back at once: the next must not disturb what has been compared, and does not find it as it was.
            PayloadBuffer.Release(read.Payload);
            Assert.IsType<MqttPingRespPacket>(await reader.ReadAsync(CancellationToken.None));
        }
        Assert.Null(await reader.ReadAsync(CancellationToken.None));
    }

    [Fact]
    public async Task The_largest_chunk_that_the_protocol_allows_comes_through()
    {
        var largest = Message(new Random(6), BlobRef.MaximumChunkSize);
        var read = Assert.IsType<MqttPublishPacket>(await ReaderOf(new PiecewiseChannel(Encoded(largest), () => 1 << 20)).ReadAsync(CancellationToken.None));
        Assert.True(largest.Payload.ToArray().AsSpan().SequenceEqual(read.Payload.ToArray()));
        Assert.False(new BlobRef { Sha256 = new string('a', 64), Size = 1, ChunkSize = BlobRef.MaximumChunkSize + 1, ChunkCount = 1, Format = ValueFormat.Weights }.IsSound());
    }

    [Fact]
    public async Task A_connection_that_ends_within_a_packet_has_ended()
    {
        var whole = Encoded(Message(new Random(5), 40_000));
        foreach (var length in new[] { 0, 1, 3, 4, 10, 60, 16_000, 39_000, whole.Length - 1 })
            Assert.Null(await ReaderOf(new PiecewiseChannel(whole[..length], () => 1000)).ReadAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("30 80 80 80 80 01")] // a length of five bytes
    [InlineData("30 80 80 80 05")] // ten megabytes, beyond what the broker was told
    [InlineData("00 00")] // a type that there is not
    [InlineData("32 FF FF 7F 00 01 74 00 01 80 80 80 80 01")] // properties of such a length, in a message of two megabytes
    public async Task What_is_not_MQTT_is_refused(string bytes)
    {
        var reader = ReaderOf(new PiecewiseChannel([.. Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal)), .. new byte[100]], () => 1));
        await Assert.ThrowsAsync<MqttProtocolViolationException>(() => reader.ReadAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(500, 1)]
    [InlineData(200_000, 2)]
    public async Task A_message_is_written_in_as_few_pieces_as_can_be(int size, int pieces)
    {
        var channel = new PiecewiseChannel([], () => 1);
        var whole = new WholeWrites(channel);
        var payload = new byte[size];
        new Random(1).NextBytes(payload);
        byte[] header = [1, 2, 3, 4, 5];

        for (var round = 0; round < 3; round++)
        {
            channel.Written.Clear();
            await whole.WriteAsync(new ReadOnlySequence<byte>(header), isEndOfPacket: size == 0, CancellationToken.None);
            if (size > 0)
                await whole.WriteAsync(new ReadOnlySequence<byte>(payload), isEndOfPacket: true, CancellationToken.None);

            Assert.Equal(pieces, channel.Written.Count);
            Assert.Equal([.. header, .. payload], channel.Written.SelectMany(piece => piece));
        }
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

    private static PacketReader ReaderOf(PiecewiseChannel channel) => new(channel, Formatter());

    private static MqttPacketFormatterAdapter Formatter() => new(MqttProtocolVersion.V500, new MqttBufferWriter(4096, 65_535));
}
