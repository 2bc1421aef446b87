namespace MantaLight.Messaging;

/// <summary>Counts the bytes of the application messages that cross a connection: topic and payload, each way.</summary>
public sealed class TrafficCounter
{
    private long sent;
    private long received;

    /// <summary>Bytes published so far.</summary>
    public long Sent => Interlocked.Read(ref sent);

    /// <summary>Bytes received so far.</summary>
    public long Received => Interlocked.Read(ref received);

    /// <summary>Counts a message that was handed to the broker.</summary>
    public void CountSent(TopicName topic, long payload) => Interlocked.Add(ref sent, SizeOf(topic, payload));

    /// <summary>Counts a message that arrived.</summary>
    public void CountReceived(TopicName topic, long payload) => Interlocked.Add(ref received, SizeOf(topic, payload));

    private static long SizeOf(TopicName topic, long payload) => topic.ByteCount + payload;
}
