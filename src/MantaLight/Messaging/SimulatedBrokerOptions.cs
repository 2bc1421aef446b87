namespace MantaLight.Messaging;

/// <summary>What a simulated broker is like.</summary>
public sealed record SimulatedBrokerOptions
{
    /// <summary>What it announces; packets beyond the size are refused.</summary>
    /// <value>1 MiB, 16 unacknowledged, retained messages replayed by wildcard.</value>
    public BrokerLimits Limits { get; init; } = new() { MaximumPacketSize = 1024 * 1024, ReplaysRetainedByWildcard = true };

    /// <summary>How long a connection that was cut waits before it tries again.</summary>
    /// <value>1 second.</value>
    public TimeSpan ReconnectPause { get; init; } = TimeSpan.FromSeconds(1);
}
