using System.Collections.Immutable;
using MantaLight.Messaging;
using Microsoft.Extensions.Logging;

namespace MantaLight.Mqtt.Connections;

/// <summary>Who wants which messages; survives reconnects.</summary>
internal sealed class SubscriptionTable(ILogger logger)
{
    private ImmutableArray<Entry> entries = [];

    /// <summary>The distinct filters.</summary>
    public IReadOnlyList<string> Filters => [.. entries.Select(entry => entry.Filter).Distinct(StringComparer.Ordinal)];

    public Entry Add(string filter, Action<BrokerMessage> handler)
    {
        var entry = new Entry(filter, handler);
        ImmutableInterlocked.Update(ref entries, static (all, added) => all.Add(added), entry);
        return entry;
    }

    /// <summary>Removes an entry; its handler is not called any more once this has returned.</summary>
    /// <returns>Whether nobody else has the same filter.</returns>
    public bool Remove(Entry entry)
    {
        entry.Close();
        ImmutableInterlocked.Update(ref entries, static (all, removed) => all.Remove(removed), entry);
        return !entries.Any(other => other.Filter == entry.Filter);
    }

    public void Dispatch(BrokerMessage message)
    {
        foreach (var entry in entries)
        {
            if (!TopicFilter.Matches(entry.Filter, message.Name))
                continue;
            // Each receiver has a hold of its own, which it may end or leave.
            PayloadBuffer.Hold(message.Payload);
            try
            {
                entry.Handle(message);
            }
            catch (Exception problem)
            {
                Log.HandlerThrew(logger, message.Topic, entry.Filter, problem);
            }
        }
    }

    internal sealed class Entry(string filter, Action<BrokerMessage> handler)
    {
        private readonly Lock gate = new();
        private bool closed;

        public string Filter => filter;

        public void Handle(BrokerMessage message)
        {
            lock (gate)
            {
                if (!closed)
                    handler(message);
            }
        }

        public void Close()
        {
            lock (gate)
                closed = true;
        }
    }
}
