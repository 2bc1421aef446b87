using MQTTnet;

namespace MantaLight.Mqtt.Connections;

/// <summary>The broker answered a connection attempt with no; carries whether trying again later makes sense.</summary>
internal sealed class ConnectRefusedException(string message, MqttClientConnectResultCode? code = null) : Exception(message)
{
    public MqttClientConnectResultCode? Code => code;

    public bool IsTemporary => code is MqttClientConnectResultCode.ServerUnavailable
        or MqttClientConnectResultCode.ServerBusy or MqttClientConnectResultCode.QuotaExceeded
        or MqttClientConnectResultCode.ConnectionRateExceeded or MqttClientConnectResultCode.UnspecifiedError;
}

/// <summary>Somebody accepted the connection but did not answer the MQTT 5 greeting as MQTT 5 has it.</summary>
internal sealed class NoMqtt5AnswerException(string message, Exception inner) : Exception(message, inner);
