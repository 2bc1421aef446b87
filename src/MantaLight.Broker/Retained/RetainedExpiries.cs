using System.Collections.Concurrent;

namespace MantaLight.Broker.Retained;

/// <summary>When retained messages that were published with an expiry are due to go; the MQTT server itself never looks.</summary>
internal sealed class RetainedExpiries(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, DateTimeOffset> due = new(StringComparer.Ordinal);

    public void Note(string topic, bool empty, uint seconds)
    {
        if (empty || seconds == 0)
            due.TryRemove(topic, out _);
        else
            due[topic] = time.GetUtcNow().AddSeconds(seconds);
    }

    public void Restore(string topic, DateTimeOffset? expires)
    {
        if (expires is { } moment)
            due[topic] = moment;
    }

    public DateTimeOffset? Of(string topic) => due.TryGetValue(topic, out var moment) ? moment : null;

    /// <summary>Takes out the topics whose time has come.</summary>
    public IReadOnlyList<string> TakeExpired()
    {
        var now = time.GetUtcNow();
        return [.. due.Where(entry => entry.Value <= now && due.TryRemove(entry)).Select(entry => entry.Key)];
    }
}
