using System.Net;
using System.Net.Sockets;
using System.Text;
using MantaLight.Broker;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Shared;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace MantaLight.Integration.Tests.Messaging;

public sealed class BrokerSelfTestTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_broker_that_forgets_retained_messages_is_refused()
    {
        using var server = await LibraryServer.StartAsync(running => running.InterceptingPublishAsync += args =>
        {
            args.ApplicationMessage.Retain = false;
            return Task.CompletedTask;
        });

        var problem = await Assert.ThrowsAsync<BrokerRefusedException>(() => ConnectAsync(server.Uri));

        Assert.Contains("does not keep retained messages", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_that_replays_by_exact_topic_alone_is_served_and_marked()
    {
        using var server = await LibraryServer.StartAsync(running => running.InterceptingSubscriptionAsync += args =>
        {
            if (args.TopicFilter.Topic.Contains('+', StringComparison.Ordinal))
                args.TopicFilter.RetainHandling = MqttRetainHandling.DoNotSendOnSubscribe;
            return Task.CompletedTask;
        });

        await using var connection = await ConnectAsync(server.Uri);

        Assert.False(connection.Limits.ReplaysRetainedByWildcard);
    }

    [Fact]
    public async Task A_broker_that_forbids_the_test_topic_is_refused_with_the_way_out()
    {
        using var server = await LibraryServer.StartAsync(running => running.InterceptingPublishAsync += args =>
        {
            args.ProcessPublish = false;
            args.Response.ReasonCode = MqttPubAckReasonCode.NotAuthorized;
            return Task.CompletedTask;
        });

        var problem = await Assert.ThrowsAsync<BrokerRefusedException>(() => ConnectAsync(server.Uri));

        Assert.Contains("NotAuthorized", problem.Message, StringComparison.Ordinal);
        Assert.Contains("SelfTestTopic", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_that_lets_two_connections_share_a_client_id_is_refused()
    {
        await using var broker = await EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0 }, new TestLoggers(), TimeProvider.System, None);
        await using var proxy = new IdChangingProxy(broker.Port);

        var problem = await Assert.ThrowsAsync<BrokerRefusedException>(() => ConnectAsync(proxy.Uri));

        Assert.Contains("two connections have one client id", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_test_leaves_nothing_behind_and_is_made_once()
    {
        var published = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var broker = await EmbeddedBroker.StartAsync(
            new EmbeddedBrokerOptions { Port = 0, OnPublish = (topic, _, _) => published.Enqueue(topic) }, new TestLoggers(), TimeProvider.System, None);
        var mqtt = new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri, SelfTestTopic = "elsewhere/test" });

        var connections = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => mqtt.ConnectAsync(new ConnectionProfile { ClientId = $"c{i}" }, None)));

        Assert.Equal(4, published.Count);
        Assert.All(published, topic => Assert.StartsWith("elsewhere/test/", topic, StringComparison.Ordinal));
        var inbox = new Inbox();
        await connections[0].SubscribeAsync("#", inbox.Receive, None);
        await connections[0].PublishAsync(new OutboundMessage("sentinel", "x"u8.ToArray()), None);
        Assert.Equal("sentinel", (await inbox.NextAsync()).Topic);
        foreach (var connection in connections)
            await connection.DisposeAsync();
    }

    private static Task<IBrokerConnection> ConnectAsync(Uri uri) =>
        new MqttBroker(new MqttBrokerOptions { Uri = uri, SelfTestPatience = TimeSpan.FromSeconds(0.5) })
            .ConnectAsync(new ConnectionProfile { ClientId = "user" }, None);

    /// <summary>The library's own server, spoiled on purpose.</summary>
    private sealed class LibraryServer : IDisposable
    {
        private readonly MqttServer server;

        private LibraryServer(MqttServer server, int port) => (this.server, Uri) = (server, new Uri($"mqtt://127.0.0.1:{port}"));

        public Uri Uri { get; }

        public static async Task<LibraryServer> StartAsync(Action<MqttServer> spoil)
        {
            var options = new MqttServerOptionsBuilder().WithDefaultEndpoint().WithDefaultEndpointPort(0)
                .WithDefaultEndpointBoundIPAddress(IPAddress.Loopback).WithDefaultEndpointBoundIPV6Address(IPAddress.None).Build();
            var server = new MqttServerFactory().CreateMqttServer(options);
            spoil(server);
            await server.StartAsync();
            return new LibraryServer(server, options.DefaultEndpointOptions.Port);
        }

        public void Dispose() => server.Dispose();
    }

    /// <summary>Gives each connection another client id on its way to the broker, as brokers that scope ids do.</summary>
    private sealed class IdChangingProxy : IAsyncDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource stopping = new();
        private readonly Task accepting;
        private readonly int target;
        private int connections;

        public IdChangingProxy(int target)
        {
            this.target = target;
            listener.Start();
            accepting = AcceptAsync();
        }

        public Uri Uri => new($"mqtt://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

        public async ValueTask DisposeAsync()
        {
            await stopping.CancelAsync();
            await accepting;
            listener.Dispose();
            stopping.Dispose();
        }

        private async Task AcceptAsync()
        {
            var pairs = new List<Task>();
            try
            {
                while (true)
                    pairs.Add(RelayAsync(await listener.AcceptTcpClientAsync(stopping.Token)));
            }
            catch (Exception problem) when (problem is OperationCanceledException or SocketException)
            {
                await Task.WhenAll(pairs);
            }
        }

        private async Task RelayAsync(TcpClient client)
        {
            using var ours = client;
            using var theirs = new TcpClient();
            try
            {
                await theirs.ConnectAsync(IPAddress.Loopback, target, stopping.Token);
                var hello = new byte[4096];
                var size = await ours.GetStream().ReadAsync(hello, stopping.Token);
                var id = hello.AsSpan(0, size).IndexOf("mantalight-selftest-"u8);
                if (id >= 0)
                    hello[id] = Encoding.ASCII.GetBytes($"{Interlocked.Increment(ref connections)}")[0];
                await theirs.GetStream().WriteAsync(hello.AsMemory(0, size), stopping.Token);
                await Task.WhenAny(
                    ours.GetStream().CopyToAsync(theirs.GetStream(), stopping.Token),
                    theirs.GetStream().CopyToAsync(ours.GetStream(), stopping.Token));
            }
            catch (Exception problem) when (problem is IOException or OperationCanceledException)
            {
                // Either side hung up.
            }
        }
    }
}
