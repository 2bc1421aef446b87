namespace MantaLight.Mqtt;

/// <summary>Where the broker is and how to introduce oneself to it.</summary>
public sealed record MqttBrokerOptions
{
    /// <summary>
    /// The broker's address: <c>mqtt://</c>, <c>mqtts://</c>, <c>ws://</c> or <c>wss://</c>, a host, and where they
    /// differ from the defaults (1883, 8883, 80, 443; <c>/mqtt</c> for WebSocket) a port and a path. May hold
    /// credentials as <c>mqtt://user:password@host</c>.
    /// </summary>
    /// <value>mqtt://localhost:1883.</value>
    public Uri Uri { get; set; } = new("mqtt://localhost:1883");

    /// <summary>The user name; wins over one in <see cref="Uri"/>.</summary>
    /// <value>None.</value>
    public string? UserName { get; set; }

    /// <summary>The password; wins over one in <see cref="Uri"/>.</summary>
    /// <value>None.</value>
    public string? Password { get; set; }

    /// <summary>
    /// The largest packet to send, in bytes, for brokers that take less than they announce; at least 16 KiB.
    /// </summary>
    /// <value>What the broker announces.</value>
    public int? MaximumPacketSize { get; set; }

    /// <summary>The topics under which the broker is tested before the first connection; access rules must allow them.</summary>
    /// <value>mantalight/selftest.</value>
    public string SelfTestTopic { get; set; } = "mantalight/selftest";

    /// <summary>How long the self-test waits for what a capable broker sends at once.</summary>
    /// <value>2 seconds.</value>
    public TimeSpan SelfTestPatience { get; set; } = TimeSpan.FromSeconds(2);
}
