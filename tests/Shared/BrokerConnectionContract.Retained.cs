using MantaLight.Messaging;

namespace MantaLight.Shared;

// What is retained, and to whom it is replayed.
public abstract partial class BrokerConnectionContract
{
    [Theory]
    [InlineData("store/one")]
    [InlineData("store/+")]
    [InlineData("store/#")]
    public async Task A_retained_message_is_replayed_to_later_subscribers(string filter)
    {
        await using var publisher = await ConnectAsync();
        await publisher.PublishAsync(Message("store/one", "old", retain: true), None);
        await publisher.PublishAsync(Message("store/one", "new", retain: true), None);
        await using var subscriber = await ConnectAsync();

        var inbox = await ListenAsync(subscriber, filter);

        var message = await inbox.NextAsync();
        Assert.True(message.Retained);
        Assert.Equal("new", Inbox.Text(message));
        await ClearAsync(publisher, "store/one");
    }

    [Fact]
    public async Task A_hundred_retained_chunks_are_replayed_by_one_wildcard()
    {
        await using var publisher = await ConnectAsync();
        var topics = Enumerable.Range(0, 100).Select(i => $"chunks/{i}").ToArray();
        await Task.WhenAll(topics.Select((topic, i) => publisher.PublishAsync(Message(topic, new string('x', 10_000 + i), retain: true), None).AsTask()));
        await using var subscriber = await ConnectAsync();

        var inbox = await ListenAsync(subscriber, "chunks/+");

        var seen = new Dictionary<string, long>();
        while (seen.Count < topics.Length)
        {
            var message = await inbox.NextAsync();
            seen[message.Topic] = message.Payload.Length;
        }

        Assert.All(topics, (topic, i) => Assert.Equal(10_000 + i, seen[Topic(topic)]));
        await Task.WhenAll(topics.Select(topic => ClearAsync(publisher, topic)));
    }

    [Fact]
    public async Task A_subscriber_that_is_there_sees_a_retained_message_as_a_live_one()
    {
        await using var connection = await ConnectAsync();
        var inbox = await ListenAsync(connection, "live");

        await connection.PublishAsync(Message("live", "x", retain: true), None);

        Assert.False((await inbox.NextAsync()).Retained);
        await ClearAsync(connection, "live");
    }

    [Fact]
    public async Task An_empty_retained_message_removes_the_one_before()
    {
        await using var connection = await ConnectAsync();
        await connection.PublishAsync(Message("gone", "x", retain: true), None);
        await ClearAsync(connection, "gone");

        var inbox = await ListenAsync(connection, "gone");

        await connection.PublishAsync(Message("gone", "sentinel"), None);
        Assert.Equal("sentinel", await inbox.NextTextAsync());
    }

    [Fact]
    public async Task A_later_handler_of_the_same_filter_gets_the_retained_messages_too()
    {
        await using var connection = await ConnectAsync();
        await connection.PublishAsync(Message("shared", "kept", retain: true), None);
        var first = await ListenAsync(connection, "shared");
        Assert.Equal("kept", await first.NextTextAsync());

        var second = await ListenAsync(connection, "shared");

        Assert.Equal("kept", await second.NextTextAsync());
        await ClearAsync(connection, "shared");
    }
}
