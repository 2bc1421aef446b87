namespace MantaLight.Mqtt.Connections;

/// <summary>The pauses between attempts to reconnect: doubled each time, half of each drawn by lot.</summary>
internal sealed class BackOff(Random random)
{
    /// <summary>A connection that held for this long starts the series anew; a shorter one does not, so that two
    /// connections that fight for one client id slow down.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan First = TimeSpan.FromSeconds(0.2);

    private int attempts;

    public TimeSpan Next()
    {
        var whole = Math.Min(Most.TotalSeconds, First.TotalSeconds * Math.Pow(2, Math.Min(attempts++, 30)));
        return TimeSpan.FromSeconds(whole * (0.5 + (0.5 * random.NextDouble())));
    }

    public void Reset() => attempts = 0;
}
