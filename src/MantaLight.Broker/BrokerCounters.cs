using System.Text;

namespace MantaLight.Broker;

/// <summary>What the broker has seen since it started; bytes are those of topics and payloads of publishes.</summary>
public sealed class BrokerCounters
{
    private long messagesIn, bytesIn, messagesOut, bytesOut, dropped, disconnectedAsStalled, oversized;

    /// <summary>Messages that clients published.</summary>
    public long MessagesIn => Interlocked.Read(ref messagesIn);

    /// <summary>Their bytes.</summary>
    public long BytesIn => Interlocked.Read(ref bytesIn);

    /// <summary>Messages sent to subscribers, replayed ones included.</summary>
    public long MessagesOut => Interlocked.Read(ref messagesOut);

    /// <summary>Their bytes.</summary>
    public long BytesOut => Interlocked.Read(ref bytesOut);

    /// <summary>Messages that a client did not get because too many were waiting for it; 0 in good health.</summary>
    public long Dropped => Interlocked.Read(ref dropped);

    /// <summary>Clients that were disconnected because they took nothing, or too little, of what waited for them.</summary>
    public long DisconnectedAsStalled => Interlocked.Read(ref disconnectedAsStalled);

    /// <summary>Clients that were disconnected because of a packet beyond the maximum size.</summary>
    public long Oversized => Interlocked.Read(ref oversized);

    internal void CountIn(string? topic, long payload)
    {
        Interlocked.Increment(ref messagesIn);
        Interlocked.Add(ref bytesIn, SizeOf(topic, payload));
    }

    internal void CountOut(string? topic, long payload)
    {
        Interlocked.Increment(ref messagesOut);
        Interlocked.Add(ref bytesOut, SizeOf(topic, payload));
    }

    internal long CountDropped() => Interlocked.Increment(ref dropped);

    internal void CountStalled() => Interlocked.Increment(ref disconnectedAsStalled);

    internal void CountOversized() => Interlocked.Increment(ref oversized);

    private static long SizeOf(string? topic, long payload) => (topic is null ? 0 : Encoding.UTF8.GetByteCount(topic)) + payload;
}
