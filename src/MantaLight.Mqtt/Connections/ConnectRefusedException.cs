using MQTTnet;

namespace MantaLight.Mqtt.Connections;

/// <summary>The broker answered a connection attempt with no; carries whether trying again later makes sense.</summary>
internal sealed class ConnectRefusedException(string message, MqttClientConnectResultCode? code = null) : Exception(message)
{
    /// <summary>Whether it said that it does not know MQTT 5; codes from 1 to 5 are those of MQTT 3.1.1.</summary>
    public bool IsOldProtocol => code == MqttClientConnectResultCode.UnsupportedProtocolVersion || (int?)code is >= 1 and <= 5;

    public bool IsTemporary => code is MqttClientConnectResultCode.ServerUnavailable
        or MqttClientConnectResultCode.ServerBusy or MqttClientConnectResultCode.QuotaExceeded
        or MqttClientConnectResultCode.ConnectionRateExceeded or MqttClientConnectResultCode.UnspecifiedError;
}

/// <summary>Somebody accepted the connection but did not answer the MQTT 5 greeting as MQTT 5 has it.</summary>
internal sealed class NoMqtt5AnswerException(string message, Exception inner) : Exception(message, inner);
