using MQTTnet;

namespace MantaLight.Mqtt.Connections;

/// <summary>Finds out that the other side of a link is gone: by answers that do not come, and by pings.</summary>
internal sealed class LinkPulse(IMqttClient client, PendingAcknowledgements pending, TimeSpan timeout, TimeProvider time, Action<string> cut)
{
    /// <summary>For how many times its time an answer is waited for while other things come.</summary>
    private const int MostTimeouts = 10;

    private long lastHeard;
    private long lastTaken;

    /// <summary>Something has come.</summary>
    public void Heard()
    {
        var now = time.GetTimestamp();
        Volatile.Write(ref lastHeard, now);
        Volatile.Write(ref lastTaken, now);
    }

    /// <summary>Watches until the link is cut.</summary>
    public async Task RunAsync(TimeSpan pingInterval, CancellationToken alive)
    {
        Heard();
        using var timer = new PeriodicTimer(TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerMillisecond, Math.Min(timeout.Ticks, pingInterval.Ticks) / 4)), time);
        var ping = Task.CompletedTask;
        var pingedAt = time.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(alive))
            {
                if (IsStalled())
                    cut($"no acknowledgement within {timeout.TotalSeconds:0.#} s");
                else if (!ping.IsCompleted && time.GetElapsedTime(Math.Max(pingedAt, Volatile.Read(ref lastHeard))) > timeout)
                    cut($"no sign of life within {timeout.TotalSeconds:0.#} s");
                else if (!ping.IsCompleted && time.GetElapsedTime(pingedAt) > timeout * MostTimeouts)
                    cut($"no answer to a ping within {timeout.TotalSeconds * MostTimeouts:0.#} s");
                else if (ping.IsCompleted && time.GetElapsedTime(pingedAt) >= pingInterval)
                    (ping, pingedAt) = (PingAsync(alive), time.GetTimestamp());
            }
        }
        catch (OperationCanceledException)
        {
        }

        await ping;
    }

    // On a slow line an answer comes behind all that was on its way before it: the line lives as long as that does come, pings aside.
    private bool IsStalled() => pending.IsLost(timeout) || pending.IsStalled(timeout)
        && (time.GetElapsedTime(Volatile.Read(ref lastTaken)) > timeout || pending.IsStalled(timeout * MostTimeouts));

    private async Task PingAsync(CancellationToken alive)
    {
        try
        {
            await client.PingAsync(alive);
            Volatile.Write(ref lastHeard, time.GetTimestamp());
        }
        catch (Exception problem)
        {
            cut($"ping failed: {problem.Message}");
        }
    }
}
