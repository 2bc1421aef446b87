using System.Net;
using System.Text;
using MantaLight.Messaging;
using MantaLight.Mqtt.Connections;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;

namespace MantaLight.Mqtt;

/// <summary>The checked form of <see cref="MqttBrokerOptions"/>: makes the client options for each connection.</summary>
internal sealed class MqttEndpoint
{
    /// <summary>The smallest packet limit that the protocol can work with.</summary>
    public const int SmallestPacketLimit = 16 * 1024;

    /// <summary>What a broker is told to send at most: beyond the largest message of the protocol, which is read up to 4 MiB.</summary>
    public const int LargestPacket = 8 << 20;

    // 8 KiB, as others have, make a 256 KiB publish wait about 100 ms for delayed acknowledgements.
    private const int SocketBuffer = 256 * 1024;

    // Bounds what a broker may push ahead of our acknowledgements.
    public const ushort ReceiveMaximum = 64;

    private readonly string host;
    private readonly int port;
    private readonly string path;
    private readonly string query;
    private readonly string scheme;
    private readonly MqttClientCredentials? credentials;

    public MqttEndpoint(MqttBrokerOptions options)
    {
        var uri = options.Uri;
        if (uri is not { IsAbsoluteUri: true, Host.Length: > 0 } || DefaultPort(uri.Scheme) is not { } defaultPort)
            throw new InvalidSettingException($"The broker's address '{uri}' is not valid: it must be like mqtt://host:1883, mqtts://host, ws://host/mqtt or wss://host/mqtt.");
        if (options.MaximumPacketSize is < SmallestPacketLimit)
            throw new InvalidSettingException($"MaximumPacketSize is {options.MaximumPacketSize} bytes; it must be at least {SmallestPacketLimit}.");
        CheckPrefix(options.SelfTestTopic);

        scheme = uri.Scheme;
        host = uri.IdnHost.Trim('[', ']');
        port = uri.Port > 0 ? uri.Port : defaultPort;
        path = IsWebSocket ? (uri.AbsolutePath is "/" or "" ? "/mqtt" : uri.AbsolutePath) : "";
        // A query can hold a signature: it is dialed and never shown.
        query = IsWebSocket ? uri.Query : "";
        credentials = Credentials(options, uri);
        MaximumPacketSize = options.MaximumPacketSize;
        Description = $"{scheme}://{(host.Contains(':') ? $"[{host}]" : host)}:{port}{path}";
    }

    /// <summary>The address without credentials and without its query.</summary>
    public string Description { get; }

    /// <summary>The owner's own limit, if any.</summary>
    public int? MaximumPacketSize { get; }

    public bool HasCredentials => credentials is not null;

    private bool IsWebSocket => scheme is "ws" or "wss";

    private bool IsSecure => scheme is "mqtts" or "wss";

    /// <summary>The options of a connection that stands for <paramref name="profile"/>.</summary>
    public MqttClientOptions ClientOptions(ConnectionProfile profile)
    {
        var options = Bare(profile.ClientId, profile.Timeout);
        options.ProtocolVersion = MqttProtocolVersion.V500;
        options.ReceiveMaximum = ReceiveMaximum;
        options.MaximumPacketSize = LargestPacket;
        // The library's is off: it sees none of the messages, and would cut a slow line that they come by. The link has a pulse, and tells the broker its period.
        options.KeepAlivePeriod = TimeSpan.Zero;
        if (profile.Will is { } will)
        {
            options.WillTopic = will.Topic;
            options.WillPayload = will.Payload.ToArray();
            options.WillRetain = will.Retain;
            options.WillQualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce;
            options.WillDelayInterval = WholeSeconds(will.Delay);
            // A will is due at the end of its session at the latest, so the session must outlive the delay.
            options.SessionExpiryInterval = options.WillDelayInterval == 0 ? 0 : options.WillDelayInterval + 1;
        }

        return options;
    }

    /// <summary>The options of a connection that only finds out whether an older MQTT is spoken here.</summary>
    public MqttClientOptions OldProtocolOptions(string clientId, TimeSpan timeout)
    {
        var options = Bare(clientId, timeout);
        options.ProtocolVersion = MqttProtocolVersion.V311;
        return options;
    }

    private MqttClientOptions Bare(string clientId, TimeSpan timeout) => new()
    {
        ClientId = clientId,
        CleanSession = true,
        Timeout = timeout,
        Credentials = credentials,
        ChannelOptions = IsWebSocket ? WebSocketOptions() : TcpOptions(),
    };

    private MqttClientTcpOptions TcpOptions() => new()
    {
        RemoteEndpoint = IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port),
        BufferSize = SocketBuffer,
        TlsOptions = new MqttClientTlsOptions { UseTls = IsSecure, TargetHost = host },
    };

    private MqttClientWebSocketOptions WebSocketOptions() => new()
    {
        Uri = Description + query,
        TlsOptions = new MqttClientTlsOptions { UseTls = IsSecure },
    };

    private static MqttClientCredentials? Credentials(MqttBrokerOptions options, Uri uri)
    {
        var parts = uri.UserInfo.Split(':', 2);
        var name = options.UserName ?? (parts[0].Length > 0 ? Uri.UnescapeDataString(parts[0]) : null);
        var password = options.Password ?? (parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : null);
        return name is null && password is null
            ? null
            : new MqttClientCredentials(name, password is null ? null : Encoding.UTF8.GetBytes(password));
    }

    private static void CheckPrefix(string topic)
    {
        try
        {
            TopicFilter.CheckTopic(topic);
        }
        catch (ArgumentException problem)
        {
            throw new InvalidSettingException($"SelfTestTopic '{topic}' is not valid: {problem.Message}", problem);
        }
    }

    private static int? DefaultPort(string scheme) => scheme switch
    {
        "mqtt" => 1883,
        "mqtts" => 8883,
        "ws" => 80,
        "wss" => 443,
        _ => null,
    };

    private static uint WholeSeconds(TimeSpan delay) => (uint)Math.Ceiling(Math.Clamp(delay.TotalSeconds, 0, 86_400));
}
