namespace MantaLight.Messaging;

/// <summary>How a connection introduces itself and what it does when it is cut.</summary>
public sealed record ConnectionProfile
{
    /// <summary>The MQTT client id: a second connection with the same id takes the first one's place.</summary>
    public required string ClientId { get; init; }

    /// <summary>
    /// Whether the connection re-establishes itself with jittered back-off and renews its subscriptions. A coordinator's
    /// must not: it stands down instead.
    /// </summary>
    /// <value>True.</value>
    public bool Reconnect { get; init; } = true;

    /// <summary>What the broker publishes when this connection dies without a goodbye.</summary>
    public BrokerWill? Will { get; init; }

    /// <summary>The interval after which silence is answered by a ping; the broker gives up after one and a half.</summary>
    /// <value>15 seconds.</value>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long connecting and each acknowledgement may take.</summary>
    /// <value>10 seconds.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>A last message, left with the broker.</summary>
/// <param name="Topic">Its topic.</param>
/// <param name="Payload">Its bytes.</param>
/// <param name="Retain">Whether it replaces the retained message of the topic.</param>
/// <param name="Delay">How long the broker should wait for a reconnect first; some brokers do not wait.</param>
public sealed record BrokerWill(string Topic, ReadOnlyMemory<byte> Payload, bool Retain, TimeSpan Delay);

/// <summary>What a connection is going through.</summary>
public enum ConnectionStatus
{
    /// <summary>Accepted (again) by the broker, subscriptions in force.</summary>
    Connected,

    /// <summary>Cut; a connection that reconnects is trying to.</summary>
    Lost,

    /// <summary>Over for good: closed by its owner, or cut and not to be reconnected, or refused.</summary>
    Closed,
}
