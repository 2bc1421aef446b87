using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using MantaLight.Messaging;
using MQTTnet;
using MQTTnet.Adapter;
using MQTTnet.Protocol;

namespace MantaLight.Mqtt.Connections;

/// <summary>Opens one connection of the MQTT library, and says in plain words why it could not.</summary>
internal static class LinkOpening
{
    /// <exception cref="BrokerUnreachableException">Nobody answered in time.</exception>
    /// <exception cref="ConnectRefusedException">The broker said no or lacks something.</exception>
    /// <exception cref="NoMqtt5AnswerException">Whoever answered does not speak MQTT 5.</exception>
    public static async Task<MqttClientConnectResult> ConnectAsync(
        IMqttClient client, MqttClientOptions options, MqttEndpoint endpoint, TimeProvider time, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        MqttClientConnectResult answer;
        try
        {
            answer = await client.ConnectAsync(options, either.Token);
        }
        catch (Exception problem)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Explain(problem, endpoint, patience.IsCancellationRequested ? options.Timeout : null);
        }

        if (answer.ResultCode != MqttClientConnectResultCode.Success)
            throw Refusal(answer, endpoint);
        return answer;
    }

    /// <summary>What an accepting broker announced, checked against what the protocol cannot do without.</summary>
    /// <exception cref="ConnectRefusedException">Something is missing.</exception>
    public static BrokerLimits Limits(MqttClientConnectResult answer, MqttEndpoint endpoint)
    {
        var missing = !answer.RetainAvailable ? "retained messages"
            : !answer.WildcardSubscriptionAvailable ? "wildcard subscriptions"
            : answer.MaximumQoS < MqttQualityOfServiceLevel.AtLeastOnce ? "QoS 1"
            : null;
        if (missing is not null)
            throw new ConnectRefusedException($"The broker at {endpoint.Description} announces that it has no {missing}, which MantaLight needs. Enable them or use another broker, for instance `mantalight broker`.");

        var limits = new BrokerLimits();
        if (answer.MaximumPacketSize is { } size and > 0)
            limits = limits with { MaximumPacketSize = (int)Math.Min(size, (uint)limits.MaximumPacketSize) };
        if (endpoint.MaximumPacketSize is { } own)
            limits = limits with { MaximumPacketSize = Math.Min(own, limits.MaximumPacketSize) };
        if (answer.ReceiveMaximum is { } window and > 0)
            limits = limits with { ReceiveMaximum = window };
        return limits.MaximumPacketSize >= MqttEndpoint.SmallestPacketLimit
            ? limits
            : throw new ConnectRefusedException($"The broker at {endpoint.Description} takes packets of {limits.MaximumPacketSize} bytes at most; MantaLight needs {MqttEndpoint.SmallestPacketLimit}. Raise its maximum packet size.");
    }

    private static Exception Explain(Exception problem, MqttEndpoint endpoint, TimeSpan? timeout)
    {
        var where = endpoint.Description;
        if (timeout is { } limit)
            return Unreachable(where, $"no answer within {limit.TotalSeconds:0.#} s", problem);
        if (Find<AuthenticationException>(problem) is { } tls)
            return new ConnectRefusedException($"The broker at {where} was reached, but the TLS handshake failed: {tls.Message} Check the host name, the port and that its certificate is trusted by this machine.");
        if (problem is MqttConnectingFailedException)
            return new NoMqtt5AnswerException($"'{where}' accepted the connection but gave no MQTT 5 answer: {problem.Message}", problem);
        if (Find<SocketException>(problem) is { } socket)
            return Unreachable(where, Describe(socket), problem);
        return Find<WebSocketException>(problem) is { } web
            ? new BrokerUnreachableException($"'{where}' answers, but not with MQTT over WebSocket: {web.Message} Check the port and the path (most brokers use /mqtt).", problem)
            : Unreachable(where, problem.Message, problem);
    }

    private static BrokerUnreachableException Unreachable(string where, string why, Exception problem) =>
        new($"No broker answers at {where} ({why}). Start one with `mantalight broker` or check the address.", problem);

    private static string Describe(SocketException problem) => problem.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "no such host",
        SocketError.TimedOut => "timed out",
        SocketError.NetworkUnreachable or SocketError.HostUnreachable => "no route to it",
        _ => problem.Message,
    };

    private static ConnectRefusedException Refusal(MqttClientConnectResult answer, MqttEndpoint endpoint)
    {
        var words = answer.ResultCode switch
        {
            MqttClientConnectResultCode.NotAuthorized => endpoint.HasCredentials
                ? "not authorized; check the user name, the password and the broker's access rules"
                : "not authorized; it wants a user name and a password",
            MqttClientConnectResultCode.BadUserNameOrPassword => "bad user name or password",
            MqttClientConnectResultCode.ClientIdentifierNotValid => "it does not accept the client id",
            var code when Enum.IsDefined(code) => code.ToString(),
            var code => $"code {(int)code}",
        };
        var reason = string.IsNullOrEmpty(answer.ReasonString) ? "" : $" ({Clip(answer.ReasonString)})";
        return new ConnectRefusedException($"The broker at {endpoint.Description} refused the connection: {words}{reason}.", answer.ResultCode);
    }

    /// <summary>Text from the wire, short enough for a message and a log.</summary>
    public static string Clip(string text) => text.Length <= 200 ? text : text[..200] + "…";

    private static T? Find<T>(Exception? problem) where T : Exception
    {
        for (; problem is not null; problem = problem.InnerException)
        {
            if (problem is T found)
                return found;
        }

        return null;
    }
}
