using MantaLight.Broker.Retained;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Server;

namespace MantaLight.Broker;

/// <summary>Removes what has expired: sessions of clients that stayed away, and retained messages; the MQTT server does neither.</summary>
internal sealed class Janitor(MqttServer server, RetainedExpiries expiries, EmbeddedBrokerOptions options, TimeProvider time, ILogger logger)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(options.JanitorInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                try
                {
                    await SweepAsync();
                }
                catch (Exception problem)
                {
                    Log.JanitorFailed(logger, problem);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task SweepAsync()
    {
        foreach (var topic in expiries.TakeExpired())
        {
            Log.RetainedExpired(logger, topic);
            await server.UpdateRetainedMessageAsync(new MqttApplicationMessage { Topic = topic, Retain = true });
        }

        var now = time.GetUtcNow().UtcDateTime;
        foreach (var session in await server.GetSessionsAsync())
        {
            var kept = Math.Min(session.ExpiryInterval, options.MaximumSessionExpiry.TotalSeconds);
            if (session.DisconnectedTimestamp is not { } since || (now - since).TotalSeconds < kept)
                continue;
            Log.SessionExpired(logger, session.Id, since);
            await session.DeleteAsync();
        }
    }
}
