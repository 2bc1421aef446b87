using System.Buffers;
using System.Net;

namespace MantaLight.Broker;

/// <summary>Where the embedded broker listens, what it keeps, and what it refuses.</summary>
public sealed record EmbeddedBrokerOptions
{
    /// <summary>The IP address to listen on; 0.0.0.0 for every network, which lets anybody in who reaches the machine.</summary>
    /// <value>127.0.0.1.</value>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>The TCP port; 0 picks a free one.</summary>
    /// <value>1883.</value>
    public int Port { get; set; } = 1883;

    /// <summary>The port for MQTT over WebSocket, at the path <c>/mqtt</c>; 0 picks a free one.</summary>
    /// <value>None: no WebSocket.</value>
    public int? WebSocketPort { get; set; }

    /// <summary>The folder that keeps retained messages over a restart; made if it is not there.</summary>
    /// <value>None: they are kept in memory only.</value>
    public string? StoreFolder { get; set; }

    /// <summary>The largest packet, in bytes, as announced to clients; one that sends a larger packet is disconnected.</summary>
    /// <value>1 MiB.</value>
    public int MaximumPacketSize { get; set; } = 1024 * 1024;

    /// <summary>How many QoS 1 publishes a client may have unacknowledged, as announced to clients.</summary>
    /// <value>32.</value>
    public int ReceiveMaximum { get; set; } = 32;

    /// <summary>How many messages may wait for one client; a message beyond that is dropped, counted and logged as an error.</summary>
    /// <value>100,000.</value>
    public int MaximumPendingMessages { get; set; } = 100_000;

    /// <summary>
    /// How many bytes of payload may wait for one client, beside retained messages that it has subscribed to. While there are more, publishers to that client wait. If it takes
    /// so little for <see cref="StalledClientTimeout"/> that as many would last longer than <see cref="SlowClientTimeout"/>, it is disconnected.
    /// </summary>
    /// <value>256 MiB.</value>
    public long MaximumPendingBytesPerClient { get; set; } = 256L * 1024 * 1024;

    /// <summary>For how long a client with too many bytes pending is watched before it is disconnected for what it takes.</summary>
    /// <value>5 seconds.</value>
    public TimeSpan StalledClientTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a client that others wait for may need, at its pace, for <see cref="MaximumPendingBytesPerClient"/>: 9 MB/s at least.</summary>
    /// <value>30 seconds.</value>
    public TimeSpan SlowClientTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest that a session is kept for a client that is away, whatever it asks for.</summary>
    /// <value>One day.</value>
    public TimeSpan MaximumSessionExpiry { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How often expired sessions and retained messages are looked for.</summary>
    /// <value>10 seconds.</value>
    public TimeSpan JanitorInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Sees every message that is published, wills included: topic, payload, client id. Must not block or throw.</summary>
    /// <value>Nobody.</value>
    public Action<string, ReadOnlySequence<byte>, string>? OnPublish { get; set; }

    /// <summary>Checks the settings.</summary>
    /// <returns>The address to listen on.</returns>
    /// <exception cref="InvalidSettingException">One of them is out of its range; the message names it.</exception>
    internal IPAddress Validate()
    {
        Require(Port is >= 0 and <= 65_535, nameof(Port), Port, "between 0 and 65535");
        Require(WebSocketPort is null or (>= 0 and <= 65_535), nameof(WebSocketPort), WebSocketPort, "between 0 and 65535");
        Require(WebSocketPort is null or 0 || WebSocketPort != Port, nameof(WebSocketPort), WebSocketPort, "different from Port");
        Require(MaximumPacketSize is >= 16 * 1024 and <= 268_435_455, nameof(MaximumPacketSize), MaximumPacketSize, "between 16384 and 268435455");
        Require(ReceiveMaximum is >= 1 and <= 65_535, nameof(ReceiveMaximum), ReceiveMaximum, "between 1 and 65535");
        Require(MaximumPendingMessages >= 1, nameof(MaximumPendingMessages), MaximumPendingMessages, "at least 1");
        Require(MaximumPendingBytesPerClient >= MaximumPacketSize, nameof(MaximumPendingBytesPerClient), MaximumPendingBytesPerClient, "at least MaximumPacketSize");
        Require(StalledClientTimeout > TimeSpan.Zero, nameof(StalledClientTimeout), StalledClientTimeout, "positive");
        Require(SlowClientTimeout > TimeSpan.Zero, nameof(SlowClientTimeout), SlowClientTimeout, "positive");
        Require(JanitorInterval > TimeSpan.Zero, nameof(JanitorInterval), JanitorInterval, "positive");
        Require(MaximumSessionExpiry >= TimeSpan.Zero && MaximumSessionExpiry <= TimeSpan.FromDays(365), nameof(MaximumSessionExpiry), MaximumSessionExpiry, "between 0 and 365 days");
        return IPAddress.TryParse(Address, out var address)
            ? address
            : throw new InvalidSettingException($"The broker's Address is '{Address}'; it must be an IP address such as 127.0.0.1 or 0.0.0.0.");
    }

    private static void Require(bool holds, string name, object? value, string range)
    {
        if (!holds)
            throw new InvalidSettingException($"The broker's {name} is {value}; it must be {range}.");
    }
}
