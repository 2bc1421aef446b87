using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MantaLight.Diagnostics;

/// <summary>What a node does not take: counted each time, and logged the first time of each kind.</summary>
internal sealed class Drops(ILogger logger)
{
    private const int MaximumTold = 1000;
    private const int MaximumTopic = 300;

    private readonly ConcurrentDictionary<string, bool> told = new(StringComparer.Ordinal);

    /// <summary>Notes what is beyond a bound.</summary>
    /// <param name="reason">The kind, as it is counted.</param>
    /// <param name="what">What the bound is, and what becomes of what is beyond it.</param>
    public void Beyond(string reason, string what)
    {
        Telemetry.Drop(reason);
        if (told.TryAdd(reason, true))
            Log.BoundReached(logger, what, reason);
    }

    /// <summary>Notes a message that is not of the protocol.</summary>
    public void Malformed(string topic, string problem)
    {
        Telemetry.Drop(Telemetry.Malformed);
        var shown = topic.Length <= MaximumTopic ? topic : $"{topic[..MaximumTopic]}…";
        // Once for each topic, and not for ever more topics: the log is not for an attacker to fill.
        if (told.Count < MaximumTold && told.TryAdd(shown, true))
            Log.MessageDropped(logger, shown, problem);
    }
}
