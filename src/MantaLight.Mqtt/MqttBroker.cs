using System.Security.Cryptography;
using MantaLight.Messaging;
using MantaLight.Mqtt.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet;

namespace MantaLight.Mqtt;

/// <summary>
/// An MQTT 5 broker on the network. Before its first connection it is tested for what the protocol rests on: retained
/// messages, and that a second connection with a client id ends the first one. Safe to use from several tasks.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose wait handle is never asked for holds nothing to dispose.
public sealed class MqttBroker : IBroker
#pragma warning restore CA1001
{
    private readonly MqttBrokerOptions options;
    private readonly MqttEndpoint endpoint;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly SemaphoreSlim testing = new(1);
    private SelfTestFindings? findings;

    /// <summary>A broker that nothing has been sent to yet.</summary>
    /// <exception cref="InvalidSettingException">The address or another option is not valid.</exception>
    public MqttBroker(MqttBrokerOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null)
    {
        this.options = options with { };
        endpoint = new MqttEndpoint(this.options);
        this.time = time ?? TimeProvider.System;
        logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<MqttBroker>();
    }

    /// <inheritdoc/>
    public string Description => endpoint.Description;

    /// <inheritdoc/>
    public async Task<IBrokerConnection> ConnectAsync(ConnectionProfile profile, CancellationToken cancellationToken)
    {
        try
        {
            var known = await TestOnceAsync(profile, cancellationToken);
            return await MqttConnection.OpenAsync(endpoint, profile, known.ReplaysByWildcard, time, logger, cancellationToken);
        }
        catch (ConnectRefusedException refusal) when (refusal.IsOldProtocol)
        {
            throw NeedsMqtt5(refusal);
        }
        catch (ConnectRefusedException refusal)
        {
            throw new BrokerRefusedException(refusal.Message, refusal);
        }
        catch (NoMqtt5AnswerException silence)
        {
            throw await SpeaksOldMqttAsync(profile, cancellationToken)
                ? NeedsMqtt5(silence)
                : new BrokerUnreachableException($"No broker answers at {Description}: something accepts connections there but does not speak MQTT. Check the port.", silence);
        }
    }

    private async Task<SelfTestFindings> TestOnceAsync(ConnectionProfile profile, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref findings) is { } known)
            return known;

        await testing.WaitAsync(cancellationToken);
        try
        {
            // A failure is not remembered: the broker may come up, or be set up better, before the next attempt.
            return findings ??= await new BrokerSelfTest(options, endpoint, time, logger).RunAsync(profile.Timeout, cancellationToken);
        }
        finally
        {
            testing.Release();
        }
    }

    private async Task<bool> SpeaksOldMqttAsync(ConnectionProfile profile, CancellationToken cancellationToken)
    {
        using var client = new MqttClientFactory().CreateMqttClient();
        var id = $"mantalight-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        try
        {
            await LinkOpening.ConnectAsync(client, endpoint.OldProtocolOptions(id, profile.Timeout), endpoint, time, cancellationToken);
            await client.DisconnectAsync(new MqttClientDisconnectOptions(), cancellationToken);
            return true;
        }
        catch (ConnectRefusedException)
        {
            // It says no, but in MQTT.
            return true;
        }
        catch (Exception problem) when (problem is not OperationCanceledException)
        {
            return false;
        }
    }

    private BrokerRefusedException NeedsMqtt5(Exception inner) => new(
        $"The broker at {Description} speaks only an older MQTT, and MantaLight needs MQTT 5. Use a current broker (mosquitto 2, EMQX 5, or `mantalight broker`).", inner);
}
