using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Server;

namespace MantaLight.Broker.Listening;

/// <summary>Hands the web server's connections, TCP and WebSocket alike, to the MQTT server.</summary>
internal sealed class BrokerConnectionHandler(EmbeddedBrokerOptions options, BrokerCounters counters, ILogger logger)
    : ConnectionHandler, IMqttServerAdapter
{
    private readonly ConcurrentDictionary<string, BrokerChannel> channels = new(StringComparer.Ordinal);

    public Func<IMqttChannelAdapter, Task>? ClientHandler { get; set; }

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        // A WebSocket carries text unless told otherwise.
        if (connection.Features.Get<ITransferFormatFeature>() is { } format)
            format.ActiveFormat = TransferFormat.Binary;

        using var channel = new BrokerChannel(connection, options, counters, logger)
        {
            Introduced = self => channels[self.ClientId!] = self,
        };
        try
        {
            if (ClientHandler is { } handler)
                await handler(channel);
        }
        catch (Exception problem) when (problem is MQTTnet.Exceptions.MqttCommunicationException or MQTTnet.Exceptions.MqttProtocolViolationException)
        {
            Log.NotMqtt(logger, connection.RemoteEndPoint, problem.Message);
        }
        finally
        {
            if (channel.ClientId is { } id)
                channels.TryRemove(new(id, channel));
        }
    }

    /// <summary>Closes a client's socket at once.</summary>
    public void Abort(string clientId, string reason)
    {
        if (channels.TryGetValue(clientId, out var channel))
            channel.Abort(reason);
    }

    /// <summary>Closes every socket at once.</summary>
    public void AbortAll(string reason)
    {
        foreach (var channel in channels.Values)
            channel.Abort(reason);
    }

    public Task StartAsync(MqttServerOptions serverOptions, IMqttNetLogger libraryLogger) => Task.CompletedTask;

    public Task StopAsync() => Task.CompletedTask;

    public void Dispose()
    {
    }
}
