using System.Buffers;
using System.Globalization;
using System.Text;
using MantaLight.Messaging;

namespace MantaLight.Shared;

/// <summary>What every <see cref="IBroker"/> must do; each implementation and each kind of broker runs all of it.</summary>
public abstract partial class BrokerConnectionContract
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly string root = $"contract/{Guid.NewGuid():N}";

    /// <summary>The broker under test.</summary>
    protected abstract IBroker Broker { get; }

    /// <summary>Ends a connection as the death of its process would.</summary>
    protected abstract Task CrashAsync(IBrokerConnection connection);

    /// <summary>Whether order holds within a quality of service only: QoS 0 goes past QoS 1 that waits for the subscriber's acknowledgements.</summary>
    protected virtual bool LetsQosZeroOvertake => false;

    [Fact]
    public async Task A_message_arrives_with_its_topic_and_bytes()
    {
        await using var connection = await ConnectAsync();
        var inbox = await ListenAsync(connection, "a/b");

        await connection.PublishAsync(Message("a/b", "hello"), None);

        var message = await inbox.NextAsync();
        Assert.Equal(Topic("a/b"), message.Topic);
        Assert.Equal("hello", Inbox.Text(message));
        Assert.False(message.Retained);
    }

    [Fact]
    public async Task A_message_that_nobody_waits_for_is_published_without_an_error()
    {
        await using var connection = await ConnectAsync();
        await connection.PublishAsync(Message("nobody", "x"), None);
        await connection.PublishAsync(Message("nobody", "x", retain: true), None);
        await connection.PublishAsync(Message("nobody", "", retain: true), None);
    }

    [Fact]
    public async Task Messages_of_one_publisher_arrive_in_the_order_of_the_calls()
    {
        await using var publisher = await ConnectAsync();
        await using var subscriber = await ConnectAsync();
        var inbox = await ListenAsync(subscriber, "order");

        var sent = Enumerable.Range(0, 300)
            .Select(i => publisher.PublishAsync(Message("order", $"{i}", delivery: IsAtMostOnce(i) ? Delivery.AtMostOnce : Delivery.AtLeastOnce), None).AsTask())
            .ToArray();
        await Task.WhenAll(sent);

        var arrived = new List<int>();
        while (arrived.Count < sent.Length)
            arrived.Add(int.Parse(await inbox.NextTextAsync(), CultureInfo.InvariantCulture));
        var expected = Enumerable.Range(0, sent.Length);
        if (LetsQosZeroOvertake)
            Assert.Equal(expected.OrderBy(IsAtMostOnce), arrived.OrderBy(IsAtMostOnce));
        else
            Assert.Equal(expected, arrived);

        static bool IsAtMostOnce(int i) => i % 7 == 0;
    }

    [Fact]
    public async Task A_payload_in_several_segments_arrives_whole()
    {
        await using var publisher = await ConnectAsync();
        await using var subscriber = await ConnectAsync();
        var inbox = await ListenAsync(subscriber, "large");
        var parts = Enumerable.Range(0, 4).Select(i => Enumerable.Range(0, 64 * 1024).Select(j => (byte)((i * 31) + (j % 251))).ToArray()).ToArray();

        await publisher.PublishAsync(new OutboundMessage(Topic("large"), Segments.Of(parts)), None);

        Assert.True(parts.SelectMany(part => part).SequenceEqual((await inbox.NextAsync()).Payload.ToArray()));
    }

    [Fact]
    public async Task Several_topics_are_subscribed_to_and_given_up_together()
    {
        await using var publisher = await ConnectAsync();
        await using var subscriber = await ConnectAsync();
        // More than fit into one packet.
        string[] topics = [.. Enumerable.Range(0, 70).Select(i => Topic($"several/{i}"))];
        await publisher.PublishAsync(Message("several/7", "kept", retain: true), None);
        var inbox = new Inbox();
        var subscription = await subscriber.SubscribeAsync(topics, inbox.Receive, None);
        var kept = await inbox.NextAsync();
        Assert.Equal((Topic("several/7"), true), (kept.Topic, kept.Retained));

        foreach (var i in new[] { 0, 69 })
            await publisher.PublishAsync(Message($"several/{i}", $"{i}"), None);
        Assert.Equal(["0", "69"], [await inbox.NextTextAsync(), await inbox.NextTextAsync()]);

        await subscription.DisposeAsync();
        var other = await ListenAsync(subscriber, "several/69");
        await publisher.PublishAsync(Message("several/69", "later"), None);
        Assert.Equal("later", await other.NextTextAsync());
        Assert.Empty(inbox.Rest());
        await publisher.PublishAsync(Message("several/7", "", retain: true), None);
    }

    [Fact]
    public async Task What_one_receiver_has_released_stays_valid_for_another()
    {
        await using var publisher = await ConnectAsync();
        await using var subscriber = await ConnectAsync();
        var keeping = await ListenAsync(subscriber, "shared/+");
        var releasing = await ListenAsync(subscriber, "shared/+");

        for (var i = 0; i < 50; i++)
        {
            await publisher.PublishAsync(new OutboundMessage(Topic("shared/x"), Enumerable.Repeat((byte)i, 100_000).ToArray()), None);
            PayloadBuffer.Release((await releasing.NextAsync()).Payload);
        }

        for (var i = 0; i < 50; i++)
            Assert.Equal(-1, (await keeping.NextAsync()).Payload.ToArray().AsSpan().IndexOfAnyExcept((byte)i));
    }

    [Fact]
    public async Task Payloads_stay_valid_after_their_handler_has_returned()
    {
        await using var publisher = await ConnectAsync();
        await using var subscriber = await ConnectAsync();
        var inbox = await ListenAsync(subscriber, "kept");

        var buffer = new byte[10_000];
        for (var i = 0; i < 50; i++)
        {
            Array.Fill(buffer, (byte)i);
            await publisher.PublishAsync(new OutboundMessage(Topic("kept"), buffer), None);
        }

        for (var i = 0; i < 50; i++)
            Assert.Equal(-1, (await inbox.NextAsync()).Payload.ToArray().AsSpan().IndexOfAnyExcept((byte)i));
    }

    [Fact]
    public async Task A_handler_that_throws_does_not_stop_the_messages()
    {
        await using var connection = await ConnectAsync();
        await connection.SubscribeAsync(Topic("bad"), _ => throw new InvalidOperationException("on purpose"), None);
        var inbox = await ListenAsync(connection, "bad");

        await connection.PublishAsync(Message("bad", "1"), None);
        await connection.PublishAsync(Message("bad", "2"), None);

        Assert.Equal("1", await inbox.NextTextAsync());
        Assert.Equal("2", await inbox.NextTextAsync());
    }

    [Fact]
    public async Task A_message_larger_than_the_limit_is_refused_before_it_is_sent()
    {
        await using var connection = await ConnectAsync();
        var limit = connection.Limits.MaximumPacketSize;

        var refusal = await Assert.ThrowsAsync<BrokerRefusedException>(
            async () => await connection.PublishAsync(new OutboundMessage(Topic("huge"), new byte[limit]), None));

        Assert.Contains(Topic("huge"), refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"{limit}", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, connection.Traffic.Sent);
        await connection.PublishAsync(new OutboundMessage(Topic("large"), new byte[connection.Limits.MaximumPayload]), None);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/+")]
    [InlineData("a/#")]
    public async Task A_topic_with_wildcards_cannot_be_published_to(string topic)
    {
        await using var connection = await ConnectAsync();
        await Assert.ThrowsAsync<ArgumentException>(async () => await connection.PublishAsync(new OutboundMessage(topic, new byte[1]), None));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/#/b")]
    [InlineData("a+/b")]
    public async Task A_filter_that_is_not_one_cannot_be_subscribed_to(string filter)
    {
        await using var connection = await ConnectAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => connection.SubscribeAsync(filter, _ => { }, None));
    }

    [Fact]
    public async Task A_cancelled_call_does_nothing()
    {
        await using var connection = await ConnectAsync();
        var cancelled = new CancellationToken(canceled: true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await connection.PublishAsync(Message("x", "x"), cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connection.SubscribeAsync(Topic("x"), _ => { }, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Broker.ConnectAsync(new ConnectionProfile { ClientId = NewId() }, cancelled));
        Assert.Equal(0, connection.Traffic.Sent);
    }

    [Fact]
    public async Task Traffic_counts_topics_and_payloads_each_way()
    {
        await using var publisher = await ConnectAsync();
        await using var subscriber = await ConnectAsync();
        var inbox = await ListenAsync(subscriber, "traffic");

        await publisher.PublishAsync(Message("traffic", new string('x', 1000)), None);
        await publisher.PublishAsync(Message("traffic", "é", delivery: Delivery.AtMostOnce), None);
        await inbox.NextAsync();
        await inbox.NextAsync();

        var expected = (2 * Topic("traffic").Length) + 1000 + 2;
        Assert.Equal(expected, publisher.Traffic.Sent);
        Assert.Equal(0, publisher.Traffic.Received);
        Assert.Equal(expected, subscriber.Traffic.Received);
        Assert.Equal(0, subscriber.Traffic.Sent);
    }

    [Fact]
    public async Task The_limits_are_the_brokers()
    {
        await using var connection = await ConnectAsync();
        Assert.Equal(1024 * 1024, connection.Limits.MaximumPacketSize);
        Assert.Equal(BrokerLimits.MaximumWindow, connection.Limits.Window);
        Assert.Equal(BrokerLimits.PreferredChunkSize, connection.Limits.ChunkSize);
        Assert.True(connection.Limits.ReplaysRetainedByWildcard);
    }

    /// <summary>A topic of this test alone.</summary>
    protected string Topic(string suffix) => $"{root}/{suffix}";

    /// <summary>A client id of this test alone.</summary>
    protected static string NewId() => $"contract-{Guid.NewGuid():N}";

    private Task<IBrokerConnection> ConnectAsync(ConnectionProfile? profile = null) =>
        Broker.ConnectAsync(profile ?? new ConnectionProfile { ClientId = NewId() }, None);

    private ConnectionProfile WithWill() => new()
    {
        ClientId = NewId(),
        Reconnect = false,
        Will = new BrokerWill(Topic("will"), Encoding.UTF8.GetBytes("gone"), Retain: true, TimeSpan.Zero),
    };

    private async Task<Inbox> ListenAsync(IBrokerConnection connection, string filter)
    {
        var inbox = new Inbox();
        await connection.SubscribeAsync(Topic(filter), inbox.Receive, None);
        return inbox;
    }

    private OutboundMessage Message(string topic, string text, bool retain = false, Delivery delivery = Delivery.AtLeastOnce) =>
        new(Topic(topic), Encoding.UTF8.GetBytes(text), retain, delivery);

    private async Task ClearAsync(IBrokerConnection connection, string topic) =>
        await connection.PublishAsync(Message(topic, "", retain: true), None);
}
