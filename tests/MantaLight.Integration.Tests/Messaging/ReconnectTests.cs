using MantaLight.Broker;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Shared;

namespace MantaLight.Integration.Tests.Messaging;

public sealed class ReconnectTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TestLoggers loggers = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_restart_of_the_broker_subscriptions_are_in_force_before_connected_is_announced(bool webSocket)
    {
        var broker = await StartAsync(0, webSocket ? 0 : null);
        var (port, webPort) = (broker.Port, broker.WebSocketPort);
        await using var connection = await ConnectAsync(broker, webSocket, "subscriber");
        var statuses = new StatusLog(connection);
        Inbox exact = new(), wildcard = new();
        await connection.SubscribeAsync("a/b", exact.Receive, None);
        await connection.SubscribeAsync("c/+", wildcard.Receive, None);

        await broker.DisposeAsync();
        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());
        Assert.False(connection.IsConnected);
        Assert.NotNull(connection.Problem);
        await using var restarted = await StartAsync(port, webPort);
        Assert.Equal(ConnectionStatus.Connected, await statuses.NextAsync());
        Assert.Null(connection.Problem);

        await using var publisher = await ConnectAsync(restarted, webSocket, "publisher");
        await publisher.PublishAsync(new OutboundMessage("a/b", "1"u8.ToArray()), None);
        await publisher.PublishAsync(new OutboundMessage("c/d", "2"u8.ToArray()), None);
        Assert.Equal("1", await exact.NextTextAsync());
        Assert.Equal("2", await wildcard.NextTextAsync());
        await connection.PublishAsync(new OutboundMessage("a/b", "3"u8.ToArray()), None);
        Assert.Equal("3", await exact.NextTextAsync());
        Assert.Empty(loggers.Errors);
    }

    [Fact]
    public async Task A_subscription_that_was_disposed_is_not_renewed()
    {
        var broker = await StartAsync(0);
        var port = broker.Port;
        await using var connection = await ConnectAsync(broker, false, "subscriber");
        var statuses = new StatusLog(connection);
        var subscription = await connection.SubscribeAsync("a", _ => { }, None);
        var inbox = new Inbox();
        await connection.SubscribeAsync("b", inbox.Receive, None);
        await broker.DisposeAsync();
        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());

        await subscription.DisposeAsync();
        await using var restarted = await StartAsync(port);
        Assert.Equal(ConnectionStatus.Connected, await statuses.NextAsync());
        var before = connection.Traffic.Received;
        await connection.PublishAsync(new OutboundMessage("a", new byte[100]), None);
        await connection.PublishAsync(new OutboundMessage("b", "x"u8.ToArray()), None);

        Assert.Equal("x", await inbox.NextTextAsync());
        Assert.Equal(2, connection.Traffic.Received - before);
    }

    [Fact]
    public async Task A_connection_that_must_not_reconnect_is_closed_by_any_loss()
    {
        var broker = await StartAsync(0);
        await using var connection = await new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri })
            .ConnectAsync(new ConnectionProfile { ClientId = "coordinator", Reconnect = false }, None);
        var statuses = new StatusLog(connection);

        await broker.DisposeAsync();

        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());
        Assert.Equal(ConnectionStatus.Closed, await statuses.NextAsync());
        await Assert.ThrowsAsync<BrokerConnectionLostException>(async () => await connection.PublishAsync(new OutboundMessage("a", new byte[1]), None));
    }

    [Fact]
    public async Task A_connection_can_be_closed_while_it_tries_to_reconnect()
    {
        var broker = await StartAsync(0);
        var connection = await ConnectAsync(broker, false, "hopeful");
        var statuses = new StatusLog(connection);
        await broker.DisposeAsync();
        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());

        await connection.CloseAsync(None).WaitAsync(Inbox.Patience);

        Assert.Equal(ConnectionStatus.Closed, await statuses.NextAsync());
    }

    [Fact]
    public async Task Two_connections_that_fight_for_one_client_id_slow_down()
    {
        await using var broker = await StartAsync(0);
        var mqtt = new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri });
        await using var first = await mqtt.ConnectAsync(new ConnectionProfile { ClientId = "same" }, None);
        var losses = 0;
        var thirdLoss = new TaskCompletionSource();
        first.Watch(status =>
        {
            if (status == ConnectionStatus.Lost && ++losses == 3)
                thirdLoss.SetResult();
        });
        var started = TimeProvider.System.GetTimestamp();

        await using var second = await mqtt.ConnectAsync(new ConnectionProfile { ClientId = "same" }, None);

        await thirdLoss.Task.WaitAsync(Inbox.Patience);
        // Two turns each: pauses of at least 0.1 and 0.2 s on both sides.
        Assert.True(TimeProvider.System.GetElapsedTime(started) > TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public async Task Mosquitto_killed_is_a_loss()
    {
        await using var mosquitto = await MosquittoProcess.StartAsync();
        await using var connection = await new MqttBroker(new MqttBrokerOptions { Uri = mosquitto.Uri })
            .ConnectAsync(new ConnectionProfile { ClientId = "a", Reconnect = false }, None);
        var statuses = new StatusLog(connection);

        await mosquitto.KillAsync();

        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());
        Assert.Equal(ConnectionStatus.Closed, await statuses.NextAsync());
    }

    public void Dispose() => loggers.Dispose();

    private Task<EmbeddedBroker> StartAsync(int port, int? webPort = null) => EmbeddedBroker.StartAsync(
        new EmbeddedBrokerOptions { Port = port, WebSocketPort = webPort }, loggers, TimeProvider.System, None);

    private static Task<IBrokerConnection> ConnectAsync(EmbeddedBroker broker, bool webSocket, string id) =>
        new MqttBroker(new MqttBrokerOptions { Uri = webSocket ? broker.WebSocketUri! : broker.Uri }).ConnectAsync(new ConnectionProfile { ClientId = id }, None);
}
