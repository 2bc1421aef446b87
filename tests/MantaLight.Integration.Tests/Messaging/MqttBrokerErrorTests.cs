using System.Net;
using System.Net.Sockets;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;

namespace MantaLight.Integration.Tests.Messaging;

public sealed class MqttBrokerErrorTests
{
    [Fact]
    public async Task Nobody_at_the_address_is_said_with_what_to_do()
    {
        Uri uri;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            uri = new Uri($"mqtt://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        }

        var problem = await Assert.ThrowsAsync<BrokerUnreachableException>(() => ConnectAsync(uri));

        Assert.Contains($"No broker answers at mqtt://127.0.0.1:{uri.Port} (connection refused)", problem.Message, StringComparison.Ordinal);
        Assert.Contains("`mantalight broker`", problem.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<BrokerUnreachableException>(() => ConnectAsync(new Uri($"ws://127.0.0.1:{uri.Port}/mqtt")));
    }

    [Fact]
    public async Task A_host_without_an_address_is_said()
    {
        var problem = await Assert.ThrowsAsync<BrokerUnreachableException>(() => ConnectAsync(new Uri("mqtt://no-such-host.invalid")));
        Assert.Contains("mqtt://no-such-host.invalid:1883", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listener_that_says_nothing_is_given_up_after_the_timeout()
    {
        await using var broker = new FakeBroker(_ => []);
        var problem = await Assert.ThrowsAsync<BrokerUnreachableException>(() => ConnectAsync(broker.Uri, TimeSpan.FromMilliseconds(300)));
        Assert.Contains("no answer within 0.3 s", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_broker_of_MQTT_311_alone_is_refused_by_name(bool hangsUp)
    {
        await using var broker = new FakeBroker(level => level == 4 ? FakeBroker.Accept4 : hangsUp ? null : [0x20, 0x02, 0x00, 0x01]);
        var problem = await Assert.ThrowsAsync<BrokerRefusedException>(() => ConnectAsync(broker.Uri));
        Assert.Contains("needs MQTT 5", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Something_else_than_a_broker_is_said_to_be(bool hangsUp)
    {
        await using var other = new FakeBroker(_ => hangsUp ? null : "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis is a server of another kind."u8.ToArray());
        var problem = await Assert.ThrowsAsync<BrokerUnreachableException>(() => ConnectAsync(other.Uri, TimeSpan.FromSeconds(2)));
        Assert.Contains("does not speak MQTT", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_carries_the_brokers_reason()
    {
        await using var broker = new FakeBroker(_ => [0x20, 0x0A, 0x00, 0x86, 0x07, 0x1F, 0x00, 0x04, .. "nope"u8]);
        var problem = await Assert.ThrowsAsync<BrokerRefusedException>(() => ConnectAsync(broker.Uri));
        Assert.Contains("bad user name or password (nope)", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mosquitto_without_anonymous_clients_asks_for_a_user_name()
    {
        await using var mosquitto = await MosquittoProcess.StartAsync("allow_anonymous false");
        var problem = await Assert.ThrowsAsync<BrokerRefusedException>(() => ConnectAsync(mosquitto.Uri));
        Assert.Contains("user name and a password", problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", (await Assert.ThrowsAsync<BrokerRefusedException>(
            () => ConnectAsync(new Uri($"mqtt://me:secret@127.0.0.1:{mosquitto.Port}")))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mosquitto_without_retained_messages_is_refused()
    {
        await using var mosquitto = await MosquittoProcess.StartAsync("allow_anonymous true\nretain_available false");
        var problem = await Assert.ThrowsAsync<BrokerRefusedException>(() => ConnectAsync(mosquitto.Uri));
        Assert.Contains("no retained messages", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://host")]
    [InlineData("host:1883")]
    [InlineData("mqtt:///path")]
    public void An_address_that_is_none_is_refused_at_once(string address)
    {
        var problem = Assert.Throws<InvalidSettingException>(() => new MqttBroker(new MqttBrokerOptions { Uri = new Uri(address, UriKind.RelativeOrAbsolute) }));
        Assert.Contains(address, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mqtt://host", "mqtt://host:1883")]
    [InlineData("mqtts://host", "mqtts://host:8883")]
    [InlineData("ws://host", "ws://host:80/mqtt")]
    [InlineData("wss://host/other", "wss://host:443/other")]
    [InlineData("mqtt://user:secret@host:99", "mqtt://host:99")]
    [InlineData("mqtt://[::1]", "mqtt://[::1]:1883")]
    public void An_address_is_completed_and_shown_without_credentials(string address, string shown) =>
        Assert.Equal(shown, new MqttBroker(new MqttBrokerOptions { Uri = new Uri(address) }).Description);

    private static Task<IBrokerConnection> ConnectAsync(Uri uri, TimeSpan? timeout = null) =>
        new MqttBroker(new MqttBrokerOptions { Uri = uri }).ConnectAsync(
            new ConnectionProfile { ClientId = "errors", Timeout = timeout ?? TimeSpan.FromSeconds(10) }, CancellationToken.None);
}
