using System.Net;
using Microsoft.Extensions.Logging;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Exceptions;

namespace MantaLight.Broker;

/// <summary>Everything that this assembly logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "The broker listens on {Uri}, {Retained} retained messages loaded.")]
    public static partial void Started(ILogger logger, Uri uri, int retained);

    [LoggerMessage(2, LogLevel.Information, "The broker takes MQTT over WebSocket at {Uri}.")]
    public static partial void StartedWebSocket(ILogger logger, Uri uri);

    [LoggerMessage(3, LogLevel.Error, "A message on {Topic} did not reach {ClientId}: {Pending} are waiting for it, the most that is allowed. {Dropped} dropped so far.")]
    public static partial void Dropped(ILogger logger, string topic, string clientId, long pending, long dropped);

    [LoggerMessage(4, LogLevel.Error, "{ClientId} took nothing for {Watched}, or so little that others would wait for it ({Bytes} bytes are queued, and may take {Patience}): it is disconnected and its session deleted.")]
    public static partial void Stalled(ILogger logger, string clientId, TimeSpan watched, long bytes, TimeSpan patience);

    [LoggerMessage(5, LogLevel.Warning, "{Client} is disconnected: it sent a packet of {Size} bytes, and {Limit} are allowed.")]
    public static partial void Oversized(ILogger logger, string client, long size, int limit);

    [LoggerMessage(6, LogLevel.Error, "The stored message {File} cannot be read and is set aside as {Aside}: {Reason}")]
    public static partial void Corrupt(ILogger logger, string file, string aside, string reason);

    [LoggerMessage(7, LogLevel.Error, "The retained message on {Topic} could not be written to {Folder}: it will not survive a restart.")]
    public static partial void NotStored(ILogger logger, string topic, string folder, Exception problem);

    [LoggerMessage(8, LogLevel.Debug, "The session of {ClientId}, away since {Since}, has expired.")]
    public static partial void SessionExpired(ILogger logger, string clientId, DateTime since);

    [LoggerMessage(9, LogLevel.Debug, "The retained message on {Topic} has expired.")]
    public static partial void RetainedExpired(ILogger logger, string topic);

    [LoggerMessage(10, LogLevel.Error, "Looking for expired sessions and messages failed.")]
    public static partial void JanitorFailed(ILogger logger, Exception problem);

    [LoggerMessage(11, LogLevel.Error, "The observer of publishes threw at a message on {Topic}.")]
    public static partial void ObserverThrew(ILogger logger, string topic, Exception problem);

    [LoggerMessage(12, LogLevel.Debug, "{Message}")]
    public static partial void Library(ILogger logger, string message, Exception? problem);

    [LoggerMessage(13, LogLevel.Warning, "{Message}")]
    public static partial void LibraryWarning(ILogger logger, string message, Exception? problem);

    [LoggerMessage(14, LogLevel.Error, "{Message}")]
    public static partial void LibraryError(ILogger logger, string message, Exception? problem);

    [LoggerMessage(15, LogLevel.Debug, "{Client} sent what is not MQTT: {Reason}")]
    public static partial void NotMqtt(ILogger logger, EndPoint? client, string reason);

    /// <summary>The MQTT library's own log; what clients do wrong is no error of the broker.</summary>
    internal sealed class Bridge(ILogger logger) : IMqttNetLogger
    {
        public bool IsEnabled => true;

        public void Publish(MqttNetLogLevel level, string source, string message, object[] parameters, Exception exception)
        {
            if (level == MqttNetLogLevel.Verbose || (level < MqttNetLogLevel.Error && !logger.IsEnabled(LogLevel.Debug)))
                return;
            var text = parameters is { Length: > 0 } ? string.Format(System.Globalization.CultureInfo.InvariantCulture, message, parameters) : message;
            if (level < MqttNetLogLevel.Error)
                Library(logger, text, exception);
            else if (exception is MqttProtocolViolationException or MqttCommunicationException or IOException)
                LibraryWarning(logger, text, exception);
            else
                LibraryError(logger, text, exception);
        }
    }
}
