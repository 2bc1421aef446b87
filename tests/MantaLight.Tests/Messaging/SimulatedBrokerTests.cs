using MantaLight.Messaging;
using MantaLight.Shared;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Tests.Messaging;

public sealed class SimulatedBrokerTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly FakeTimeProvider time = new();

    [Fact]
    public async Task A_cut_connection_comes_back_after_its_pause_with_its_subscriptions()
    {
        var broker = new SimulatedBroker(time: time);
        await using var connection = await broker.ConnectAsync(new ConnectionProfile { ClientId = "a" }, None);
        await using var other = await broker.ConnectAsync(new ConnectionProfile { ClientId = "b" }, None);
        var statuses = new StatusLog(connection);
        var inbox = new Inbox();
        await connection.SubscribeAsync("t", inbox.Receive, None);

        broker.Cut("a");
        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());
        await Assert.ThrowsAsync<BrokerConnectionLostException>(async () => await connection.PublishAsync(new OutboundMessage("t", new byte[1]), None));
        await other.PublishAsync(new OutboundMessage("t", "missed"u8.ToArray(), retain: true), None);
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(ConnectionStatus.Connected, await statuses.NextAsync());
        Assert.Equal("missed", await inbox.NextTextAsync());
        Assert.Empty(broker.HandlerFailures);
    }

    [Fact]
    public async Task A_broker_that_is_down_lets_nobody_in_and_may_lose_what_it_retained()
    {
        var broker = new SimulatedBroker(time: time);
        await using var connection = await broker.ConnectAsync(new ConnectionProfile { ClientId = "a" }, None);
        var statuses = new StatusLog(connection);
        await connection.PublishAsync(new OutboundMessage("t", new byte[1], retain: true), None);

        broker.GoDown(loseRetained: true);

        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());
        await Assert.ThrowsAsync<BrokerUnreachableException>(() => broker.ConnectAsync(new ConnectionProfile { ClientId = "b" }, None));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(connection.IsConnected);
        broker.ComeUp();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ConnectionStatus.Connected, await statuses.NextAsync());
        Assert.Empty(broker.Retained);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_delayed_will_is_published_unless_its_client_is_back_in_time(bool back)
    {
        var broker = new SimulatedBroker(time: time);
        var will = new BrokerWill("will", "gone"u8.ToArray(), Retain: true, TimeSpan.FromSeconds(5));
        var profile = new ConnectionProfile { ClientId = "a", Reconnect = false, Will = will };
        await using var mortal = await broker.ConnectAsync(profile, None);

        broker.Cut("a");
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.Empty(broker.Retained);
        if (back)
            await broker.ConnectAsync(profile, None);
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(back ? 0 : 1, broker.Retained.Count);
    }

    [Fact]
    public async Task Without_replay_by_wildcard_only_an_exact_filter_gets_retained_messages()
    {
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits() }, time);
        await using var connection = await broker.ConnectAsync(new ConnectionProfile { ClientId = "a" }, None);
        await connection.PublishAsync(new OutboundMessage("t/1", "kept"u8.ToArray(), retain: true), None);
        Inbox wildcard = new(), exact = new();

        await connection.SubscribeAsync("t/+", wildcard.Receive, None);
        await connection.PublishAsync(new OutboundMessage("t/2", "live"u8.ToArray()), None);
        Assert.Equal("live", await wildcard.NextTextAsync());
        await connection.SubscribeAsync("t/1", exact.Receive, None);

        Assert.Equal("kept", await exact.NextTextAsync());
    }
}
