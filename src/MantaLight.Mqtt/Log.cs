using MantaLight.Messaging;
using Microsoft.Extensions.Logging;

namespace MantaLight.Mqtt;

/// <summary>Everything that this assembly logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "{ClientId} is connected to {Broker}.")]
    public static partial void Connected(ILogger logger, string clientId, string broker);

    [LoggerMessage(2, LogLevel.Warning, "{ClientId} lost its connection to {Broker}: {Reason}.")]
    public static partial void Lost(ILogger logger, string clientId, string broker, string reason);

    [LoggerMessage(3, LogLevel.Debug, "{ClientId} could not reconnect to {Broker}, tries again in {Pause}: {Reason}")]
    public static partial void StillDown(ILogger logger, string clientId, string broker, TimeSpan pause, string reason);

    [LoggerMessage(4, LogLevel.Information, "{ClientId} is connected to {Broker} again, {Subscriptions} subscriptions renewed.")]
    public static partial void Reconnected(ILogger logger, string clientId, string broker, int subscriptions);

    [LoggerMessage(5, LogLevel.Error, "{ClientId} gives up {Broker}: {Reason}")]
    public static partial void GaveUp(ILogger logger, string clientId, string broker, string reason);

    [LoggerMessage(6, LogLevel.Error, "A handler of messages on {Filter} threw at one on {Topic}; the message is skipped.")]
    public static partial void HandlerThrew(ILogger logger, string topic, string filter, Exception problem);

    [LoggerMessage(7, LogLevel.Error, "An observer of a connection's status threw at {Status}.")]
    public static partial void ObserverThrew(ILogger logger, ConnectionStatus status, Exception problem);

    [LoggerMessage(8, LogLevel.Debug, "{Broker} passed the self-test in {Milliseconds:0} ms: packets up to {MaximumPacketSize} bytes, {Window} unacknowledged, retained by wildcard: {ByWildcard}.")]
    public static partial void SelfTestPassed(ILogger logger, string broker, double milliseconds, int maximumPacketSize, int window, bool byWildcard);

    [LoggerMessage(9, LogLevel.Warning, "{Broker} does not replay retained messages for wildcard subscriptions; blobs are fetched topic by topic, which is slower.")]
    public static partial void NoReplayByWildcard(ILogger logger, string broker);

    [LoggerMessage(10, LogLevel.Warning, "The self-test left messages under {Topic} on {Broker}: {Reason}")]
    public static partial void SelfTestLeftovers(ILogger logger, string topic, string broker, string reason);
}
