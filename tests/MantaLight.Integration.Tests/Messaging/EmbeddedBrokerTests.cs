using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MantaLight.Broker;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Mqtt.Connections;
using MantaLight.Shared;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MQTTnet;
using MQTTnet.Formatter;

namespace MantaLight.Integration.Tests.Messaging;

public sealed class EmbeddedBrokerTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TestLoggers loggers = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_taken_port_is_said_by_name(bool webSocket)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var problem = await Assert.ThrowsAsync<InvalidSettingException>(
            () => StartAsync(webSocket ? new() { Port = 0, WebSocketPort = port } : new() { Port = port }));

        Assert.Contains($"port {port} of 127.0.0.1: it is taken", problem.Message, StringComparison.Ordinal);
        Assert.Contains(webSocket ? "WebSocketPort" : " Port ", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_setting_out_of_its_range_is_said_by_name()
    {
        var problem = await Assert.ThrowsAsync<InvalidSettingException>(() => StartAsync(new() { Port = 0, MaximumPacketSize = 10 }));
        Assert.Contains("MaximumPacketSize is 10", problem.Message, StringComparison.Ordinal);
        Assert.Contains("'nowhere'", (await Assert.ThrowsAsync<InvalidSettingException>(() => StartAsync(new() { Address = "nowhere" }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_counters_agree_with_its_clients()
    {
        await using var broker = await StartAsync(new() { Port = 0 });
        var mqtt = new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri });
        await using var one = await mqtt.ConnectAsync(new ConnectionProfile { ClientId = "one" }, None);
        await using var two = await mqtt.ConnectAsync(new ConnectionProfile { ClientId = "two" }, None);
        var (bytesIn, bytesOut, messagesIn) = (broker.Counters.BytesIn, broker.Counters.BytesOut, broker.Counters.MessagesIn);
        Inbox first = new(), second = new();
        await one.SubscribeAsync("t/#", first.Receive, None);
        await two.SubscribeAsync("t/+", second.Receive, None);

        for (var i = 0; i < 50; i++)
            await (i % 2 == 0 ? one : two).PublishAsync(new OutboundMessage($"t/{i}", new byte[i * 100], delivery: (Delivery)(i % 3 / 2)), None);
        for (var i = 0; i < 50; i++)
        {
            await first.NextAsync();
            await second.NextAsync();
        }

        Assert.Equal(50, broker.Counters.MessagesIn - messagesIn);
        Assert.Equal(one.Traffic.Sent + two.Traffic.Sent, broker.Counters.BytesIn - bytesIn);
        Assert.Equal(one.Traffic.Received + two.Traffic.Received, broker.Counters.BytesOut - bytesOut);
        Assert.Empty(loggers.Errors);
    }

    [Fact]
    public async Task Its_observer_sees_every_byte_published_wills_included()
    {
        var seen = new ConcurrentQueue<(string Topic, string Payload, string ClientId)>();
        await using var broker = await StartAsync(new() { Port = 0, OnPublish = (topic, payload, id) => seen.Enqueue((topic, Encoding.UTF8.GetString(payload), id)) });
        var mqtt = new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri });
        await using var watcher = await mqtt.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, None);
        var inbox = new Inbox();
        await watcher.SubscribeAsync("w", inbox.Receive, None);
        var mortal = await mqtt.ConnectAsync(new ConnectionProfile { ClientId = "mortal", Will = new BrokerWill("w", "gone"u8.ToArray(), false, TimeSpan.Zero) }, None);

        await mortal.PublishAsync(new OutboundMessage("m", "hello"u8.ToArray()), None);
        await ((MqttConnection)mortal).CrashAsync();
        await inbox.NextAsync();

        Assert.Contains(("m", "hello", "mortal"), seen);
        Assert.Contains(("w", "gone", "mortal"), seen);
    }

    [Fact]
    public async Task A_packet_beyond_the_limit_ends_its_client_and_is_not_read()
    {
        await using var broker = await StartAsync(new() { Port = 0, MaximumPacketSize = 20_000 });
        using var raw = await RawClient.ConnectAsync(broker.Port);
        await raw.GreetAsync("raw");

        // A publish that claims 20,001 bytes in all; none of its body is sent.
        await raw.SendAsync([0x30, 0x9D, 0x9C, 0x01]);

        var goodbye = await raw.ReadPacketAsync();
        Assert.Equal(0xE0, goodbye[0]);
        Assert.Equal(0x95, goodbye[2]);
        await raw.WaitForEndAsync();
        Assert.Equal(1, broker.Counters.Oversized);
    }

    [Fact]
    public async Task Nobody_can_make_it_wait_for_256_megabytes_before_a_greeting()
    {
        await using var broker = await StartAsync(new() { Port = 0 });
        using var raw = await RawClient.ConnectAsync(broker.Port);

        await raw.SendAsync([0x10, 0xFF, 0xFF, 0xFF, 0x7F]);

        await raw.WaitForEndAsync();
        Assert.Equal(1, broker.Counters.Oversized);
    }

    [Theory]
    [InlineData(new byte[] { 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0x10, 0x02, 0x00, 0x04 })]
    [InlineData(new byte[] { 0x47, 0x45, 0x54, 0x20, 0x2F })]
    public async Task What_is_not_MQTT_is_hung_up_on_without_an_error(byte[] bytes)
    {
        await using var broker = await StartAsync(new() { Port = 0 });
        using (var raw = await RawClient.ConnectAsync(broker.Port))
        {
            await raw.SendAsync(bytes);
            if (bytes[0] == 0x10)
                await raw.WaitForEndAsync();
        }

        await using var proper = await new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }).ConnectAsync(new ConnectionProfile { ClientId = "a" }, None);
        Assert.Empty(loggers.Errors);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_client_without_an_id_is_given_one(MqttProtocolVersion version)
    {
        await using var broker = await StartAsync(new() { Port = 0 });
        using var client = new MqttClientFactory().CreateMqttClient();

        var answer = await client.ConnectAsync(new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", broker.Port).WithClientId("").WithProtocolVersion(version).Build());

        Assert.Equal(MqttClientConnectResultCode.Success, answer.ResultCode);
        if (version == MqttProtocolVersion.V500)
            Assert.StartsWith("auto-", answer.AssignedClientIdentifier, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_takes_nothing_holds_publishers_back_and_is_then_disconnected()
    {
        await using var broker = await StartAsync(new() { Port = 0, MaximumPendingBytesPerClient = 2_000_000, StalledClientTimeout = TimeSpan.FromMilliseconds(300) });
        using var stalled = await RawClient.ConnectAsync(broker.Port);
        await stalled.GreetAsync("stalled");
        await stalled.SubscribeAsync("t/#");
        await using var publisher = await new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }).ConnectAsync(new ConnectionProfile { ClientId = "p" }, None);

        // Ten times what may wait, and more than the sockets' buffers take.
        for (var i = 0; i < 100; i++)
            await publisher.PublishAsync(new OutboundMessage("t/1", new byte[200_000]), None);

        Assert.Equal(1, broker.Counters.DisconnectedAsStalled);
        Assert.Equal(0, broker.Counters.Dropped);
        await stalled.WaitForEndAsync();
        Assert.Contains(loggers.Errors, error => error.Contains("stalled took nothing", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_dropped_message_is_counted_and_logged()
    {
        await using var broker = await StartAsync(new() { Port = 0, MaximumPendingMessages = 5 });
        using var stalled = await RawClient.ConnectAsync(broker.Port);
        await stalled.GreetAsync("stalled");
        await stalled.SubscribeAsync("t/#");
        await using var publisher = await new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }).ConnectAsync(new ConnectionProfile { ClientId = "p" }, None);

        for (var i = 0; i < 100; i++)
            await publisher.PublishAsync(new OutboundMessage("t/1", new byte[200_000]), None);

        Assert.InRange(broker.Counters.Dropped, 1, 95);
        Assert.Contains(loggers.Errors, error => error.Contains("A message on t/1 did not reach stalled", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_stops_in_seconds_even_if_a_client_does_not_read()
    {
        var broker = await StartAsync(new() { Port = 0 });
        using var stalled = await RawClient.ConnectAsync(broker.Port);
        await stalled.GreetAsync("stalled");
        await stalled.SubscribeAsync("t/#");
        await using var publisher = await new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }).ConnectAsync(new ConnectionProfile { ClientId = "p", Reconnect = false }, None);
        for (var i = 0; i < 50; i++)
            await publisher.PublishAsync(new OutboundMessage("t/1", new byte[200_000]), None);

        await broker.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(9));
    }

    [Fact]
    public async Task A_host_has_not_started_before_its_broker_listens_and_fails_when_it_cannot()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddEmbeddedBroker(options => options.Port = 0);
        using (var host = builder.Build())
        {
            await host.StartAsync();
            await host.StopAsync();
        }

        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddEmbeddedBroker(options => options.Port = ((IPEndPoint)taken.LocalEndpoint).Port);
        using var failing = builder.Build();
        await Assert.ThrowsAsync<InvalidSettingException>(() => failing.StartAsync());
    }

    public void Dispose() => loggers.Dispose();

    private Task<EmbeddedBroker> StartAsync(EmbeddedBrokerOptions options) => EmbeddedBroker.StartAsync(options, loggers, TimeProvider.System, None);
}
