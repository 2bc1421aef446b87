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

    public Entry[] Add(IReadOnlyList<string> filters, Action<BrokerMessage> handler)
    {
        var added = new Entry[filters.Count];
        for (var i = 0; i < added.Length; i++)
            added[i] = new Entry(filters[i], handler);
        ImmutableInterlocked.Update(ref entries, static (all, some) => all.AddRange(some), added);
        return added;
    }

    /// <summary>Removes an entry; its handler is not called any more once this has returned.</summary>
    /// <returns>Whether nobody else has the same filter.</returns>
    public bool Remove(Entry entry)
    {
        entry.Close();
        ImmutableInterlocked.Update(ref entries, static (all, removed) => all.Remove(removed), entry);
        foreach (var other in entries)
        {
            if (other.Filter == entry.Filter)
                return false;
        }
        return true;
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
