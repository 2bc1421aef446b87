namespace MantaLight.Mqtt.Connections;

/// <summary>
/// The requests that the broker has not answered, oldest first. The oldest one's clock starts when it becomes the
/// oldest: on a slow line each answer has its full time after the one before, and an answer that never comes is found.
/// </summary>
internal sealed class PendingAcknowledgements(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly LinkedList<Request> pending = [];
    private long oldestSince;

    /// <summary>Notes a request.</summary>
    /// <param name="inOrder">Whether a broker answers those in the order in which they came (MQTT 5, 4.6).</param>
    public LinkedListNode<Request> Add(bool inOrder)
    {
        lock (gate)
        {
            if (pending.Count == 0)
                oldestSince = time.GetTimestamp();
            return pending.AddLast(new Request(inOrder));
        }
    }

    /// <summary>Notes that one was answered, or failed.</summary>
    public void Remove(LinkedListNode<Request> request)
    {
        lock (gate)
        {
            if (request == pending.First)
                oldestSince = time.GetTimestamp();
            for (var earlier = request.Previous; request.Value.InOrder && earlier is not null; earlier = earlier.Previous)
            {
                if (earlier.Value is { InOrder: true, OvertakenAt: null })
                    earlier.Value.OvertakenAt = time.GetTimestamp();
            }
            pending.Remove(request);
        }
    }

    /// <summary>Whether the oldest has waited for longer than that.</summary>
    public bool IsStalled(TimeSpan timeout)
    {
        lock (gate)
            return pending.Count > 0 && time.GetElapsedTime(oldestSince) > timeout;
    }

    /// <summary>Whether the oldest one's answer is lost: one that it must have come before has been there for longer than that.</summary>
    public bool IsLost(TimeSpan timeout)
    {
        lock (gate)
            return pending.First is { Value.OvertakenAt: { } since } && time.GetElapsedTime(since) > timeout;
    }

    /// <summary>A request that waits for its answer.</summary>
    internal sealed class Request(bool inOrder)
    {
        public bool InOrder => inOrder;

        /// <summary>When the first later one was answered.</summary>
        public long? OvertakenAt { get; set; }
    }
}
