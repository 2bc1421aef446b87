namespace MantaLight.Messaging;

/// <summary>What a broker announced in its CONNACK, narrowed to what the protocol uses.</summary>
public sealed record BrokerLimits
{
    /// <summary>The chunk size where the broker allows it.</summary>
    public const int PreferredChunkSize = 256 * 1024;

    /// <summary>The most unacknowledged publishes of ours, whatever the broker allows.</summary>
    public const int MaximumWindow = 16;

    /// <summary>Room left in a packet for its topic, properties and headers.</summary>
    private const int PacketHeadroom = 4 * 1024;

    /// <summary>The largest packet that the broker takes, in bytes.</summary>
    /// <value>The protocol's own maximum where the broker announces none.</value>
    public int MaximumPacketSize { get; init; } = 268_435_455;

    /// <summary>How many QoS 1 publishes may be unacknowledged.</summary>
    /// <value>16.</value>
    public int ReceiveMaximum { get; init; } = MaximumWindow;

    /// <summary>Whether a wildcard subscription replays retained messages, as the self-test found.</summary>
    /// <value>False until the self-test has proven it.</value>
    public bool ReplaysRetainedByWildcard { get; init; }

    /// <summary>The largest payload that fits a packet.</summary>
    public int MaximumPayload => MaximumPacketSize - PacketHeadroom;

    /// <summary>The size of a blob's chunks on this broker, in bytes.</summary>
    public int ChunkSize => Math.Min(PreferredChunkSize, MaximumPayload);

    /// <summary>The number of unacknowledged publishes to keep under way.</summary>
    public int Window => Math.Clamp(ReceiveMaximum, 1, MaximumWindow);
}
