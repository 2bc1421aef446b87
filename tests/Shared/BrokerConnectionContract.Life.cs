using MantaLight.Messaging;

namespace MantaLight.Shared;

// How subscriptions and connections end.
public abstract partial class BrokerConnectionContract
{
    [Fact]
    public async Task A_disposed_subscription_hears_nothing_while_another_one_of_its_filter_does()
    {
        await using var connection = await ConnectAsync();
        Inbox gone = new(), stays = new();
        var subscription = await connection.SubscribeAsync(Topic("two"), gone.Receive, None);
        await connection.SubscribeAsync(Topic("two"), stays.Receive, None);

        await subscription.DisposeAsync();
        await subscription.DisposeAsync();
        await connection.PublishAsync(Message("two", "x"), None);

        Assert.Equal("x", await stays.NextTextAsync());
        Assert.Empty(gone.Rest());
    }

    [Fact]
    public async Task After_its_last_handler_a_filter_is_unsubscribed_at_the_broker()
    {
        await using var publisher = await ConnectAsync();
        await using var subscriber = await ConnectAsync();
        var first = await subscriber.SubscribeAsync(Topic("unsubscribed"), _ => { }, None);
        var second = await subscriber.SubscribeAsync(Topic("unsubscribed"), _ => { }, None);
        var sentinel = await ListenAsync(subscriber, "sentinel");
        await first.DisposeAsync();
        await second.DisposeAsync();

        await publisher.PublishAsync(Message("unsubscribed", new string('x', 1000)), None);
        await publisher.PublishAsync(Message("sentinel", "x"), None);

        await sentinel.NextAsync();
        Assert.Equal(Topic("sentinel").Length + 1, subscriber.Traffic.Received);
    }

    [Fact]
    public async Task A_second_connection_with_a_client_id_cuts_the_first()
    {
        var id = NewId();
        await using var older = await ConnectAsync(new ConnectionProfile { ClientId = id, Reconnect = false });
        var statuses = new StatusLog(older);

        await using var newer = await ConnectAsync(new ConnectionProfile { ClientId = id, Reconnect = false });

        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());
        Assert.Equal(ConnectionStatus.Closed, await statuses.NextAsync());
        Assert.False(older.IsConnected);
        await Assert.ThrowsAsync<BrokerConnectionLostException>(async () => await older.PublishAsync(Message("late", "x"), None));
        await Assert.ThrowsAsync<BrokerConnectionLostException>(() => older.SubscribeAsync(Topic("late"), _ => { }, None));
        await newer.PublishAsync(Message("alive", "x"), None);
    }

    [Fact]
    public async Task A_crash_publishes_the_will()
    {
        await using var watcher = await ConnectAsync();
        var inbox = await ListenAsync(watcher, "will");
        var mortal = await ConnectAsync(WithWill());

        await CrashAsync(mortal);

        Assert.Equal("gone", await inbox.NextTextAsync());
        await ClearAsync(watcher, "will");
    }

    [Fact]
    public async Task A_goodbye_publishes_no_will()
    {
        await using var watcher = await ConnectAsync();
        var inbox = await ListenAsync(watcher, "will");

        for (var i = 0; i < 5; i++)
        {
            var connection = await ConnectAsync(WithWill());
            // What was sent just before the goodbye must arrive, acknowledged or not.
            await connection.PublishAsync(Message("will", $"{i}", delivery: Delivery.AtMostOnce), None);
            await connection.CloseAsync(None);
            Assert.Equal($"{i}", await inbox.NextTextAsync());
        }

        await watcher.PublishAsync(Message("will", "sentinel"), None);
        Assert.Equal("sentinel", await inbox.NextTextAsync());
    }

    [Fact]
    public async Task Closing_twice_is_closing_once()
    {
        var connection = await ConnectAsync();
        var statuses = new StatusLog(connection);

        await Task.WhenAll(connection.CloseAsync(None), connection.CloseAsync(None));
        await connection.DisposeAsync();

        Assert.Equal(ConnectionStatus.Closed, await statuses.NextAsync());
        Assert.True(statuses.IsEmpty);
        Assert.False(connection.IsConnected);
        await Assert.ThrowsAsync<BrokerConnectionLostException>(async () => await connection.PublishAsync(Message("late", "x"), None));
    }
}
