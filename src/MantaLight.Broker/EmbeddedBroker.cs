using System.Net;
using System.Net.Sockets;
using MantaLight.Broker.Flow;
using MantaLight.Broker.Listening;
using MantaLight.Broker.Retained;
using Microsoft.Extensions.Logging;
using MQTTnet.Server;

namespace MantaLight.Broker;

/// <summary>
/// An MQTT 5 broker in this process, on TCP and, where wanted, WebSocket. Drops nothing silently. Sessions do not
/// survive a restart; retained messages do with a store folder.
/// </summary>
public sealed class EmbeddedBroker : IAsyncDisposable
{
    private static readonly TimeSpan GoodbyePatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private readonly MqttServer server;
    private readonly BrokerConnectionHandler handler;
    private readonly BrokerListener listener;
    private readonly RetainedStore? store;
    private readonly Task janitor;
    private readonly CancellationTokenSource stopping;
    private readonly IPAddress address;
    private readonly TimeProvider time;
    private int disposed;

    private EmbeddedBroker(
        MqttServer server, BrokerConnectionHandler handler, BrokerListener listener, RetainedStore? store, Janitor janitor, CancellationTokenSource stopping,
        IPAddress address, BrokerCounters counters, TimeProvider time)
    {
        (this.server, this.handler, this.listener, this.store) = (server, handler, listener, store);
        (this.stopping, this.address, Counters, this.time) = (stopping, address, counters, time);
        this.janitor = janitor.RunAsync(stopping.Token);
    }

    /// <summary>The TCP port that it listens on.</summary>
    public int Port => listener.Port;

    /// <summary>The port of the WebSocket, where there is one.</summary>
    public int? WebSocketPort => listener.WebSocketPort;

    /// <summary>The address for clients on this machine.</summary>
    public Uri Uri => new($"mqtt://{Host}:{Port}");

    /// <summary>The WebSocket's address for clients on this machine, where there is one.</summary>
    public Uri? WebSocketUri => WebSocketPort is { } port ? new Uri($"ws://{Host}:{port}/mqtt") : null;

    /// <summary>What it has seen since it started.</summary>
    public BrokerCounters Counters { get; }

    private string Host => address switch
    {
        _ when address.Equals(IPAddress.Any) => "127.0.0.1",
        _ when address.Equals(IPAddress.IPv6Any) => "[::1]",
        { AddressFamily: AddressFamily.InterNetworkV6 } => $"[{address}]",
        _ => address.ToString(),
    };

    /// <summary>Starts a broker; when the result is there it accepts connections.</summary>
    /// <exception cref="InvalidSettingException">
    /// An option is out of its range, a port is taken, or the store folder cannot be used; the message names it.
    /// </exception>
    public static async Task<EmbeddedBroker> StartAsync(
        EmbeddedBrokerOptions options, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        options = options with { };
        var address = options.Validate();
        var logger = loggers.CreateLogger<EmbeddedBroker>();
        var counters = new BrokerCounters();
        var store = options.StoreFolder is { } folder ? new RetainedStore(folder, options.MaximumPacketSize, logger) : null;
        var handler = new BrokerConnectionHandler(options, counters, logger);
        var server = CreateServer(options, handler, logger);
        try
        {
            var stored = store?.Load() ?? [];
            var expiries = new RetainedExpiries(time);
            foreach (var message in stored)
                expiries.Restore(message.Topic, message.Expires);
            var pressure = new BackPressure(options, counters, time, logger) { Evict = id => EvictAsync(server, handler, id) };
            new BrokerHooks(server, options, counters, pressure, new PassingMemory(time), expiries, store, stored, logger).Attach();

            await server.StartAsync();
            var listener = await BrokerListener.StartAsync(options, address, handler, loggers, cancellationToken);
            var broker = new EmbeddedBroker(
                server, handler, listener, store, new Janitor(server, expiries, options, time, logger), new CancellationTokenSource(), address, counters, time);
            Log.Started(logger, broker.Uri, stored.Count);
            if (broker.WebSocketUri is { } web)
                Log.StartedWebSocket(logger, web);
            return broker;
        }
        catch
        {
            server.Dispose();
            store?.Dispose();
            throw;
        }
    }

    /// <summary>Disconnects everybody and stops; idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
            return;

        // Clients first, so that their wills are published; then the sockets; the store last, since it keeps the wills.
        server.AcceptNewConnections = false;
        await stopping.CancelAsync();
        await janitor;
        await DisconnectAllAsync();
        using var patience = new CancellationTokenSource(StopPatience, time);
        await listener.StopAsync(patience.Token);
        await listener.DisposeAsync();
        server.Dispose();
        store?.Dispose();
        stopping.Dispose();
    }

    private async Task DisconnectAllAsync()
    {
        var stop = server.StopAsync(new MqttServerStopOptions());
        try
        {
            await stop.WaitAsync(GoodbyePatience, time);
        }
        catch (TimeoutException)
        {
            // Somebody does not read its goodbye.
            handler.AbortAll("the broker stops");
            await stop;
        }
    }

    private static MqttServer CreateServer(EmbeddedBrokerOptions options, BrokerConnectionHandler handler, ILogger logger)
    {
        var settings = new MqttServerOptions
        {
            EnablePersistentSessions = true,
            MaxPendingMessagesPerClient = options.MaximumPendingMessages,
            // Dropping the oldest would not bound memory: the library keeps those as unacknowledged.
            PendingMessagesOverflowStrategy = MqttPendingMessagesOverflowStrategy.DropNewMessage,
            DefaultCommunicationTimeout = TimeSpan.FromSeconds(10),
        };
        return new MqttServerFactory().CreateMqttServer(settings, [handler], new Log.Bridge(logger));
    }

    private static async Task EvictAsync(MqttServer server, BrokerConnectionHandler handler, string clientId)
    {
        handler.Abort(clientId, "the client does not take what waits for it");
        try
        {
            await (await server.GetSessionAsync(clientId)).DeleteAsync();
        }
        catch (InvalidOperationException)
        {
            // The session went with the connection.
        }
    }
}
