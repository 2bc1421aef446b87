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

    /// <summary>Notes a request that is not noted already.</summary>
    public void Add(Request request)
    {
        lock (gate)
        {
            if (pending.Count == 0)
                oldestSince = time.GetTimestamp();
            request.OvertakenAt = null;
            pending.AddLast(request.Place);
        }
    }

    /// <summary>Notes that one was answered, or failed.</summary>
    public void Remove(Request request)
    {
        lock (gate)
        {
            if (request.Place == pending.First)
                oldestSince = time.GetTimestamp();
            for (var earlier = request.Place.Previous; request.InOrder && earlier is not null; earlier = earlier.Previous)
            {
                if (earlier.Value is { InOrder: true, OvertakenAt: null })
                    earlier.Value.OvertakenAt = time.GetTimestamp();
            }
            pending.Remove(request.Place);
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

    /// <summary>A request that waits for its answer; it can be noted again afterwards.</summary>
    internal sealed class Request
    {
        /// <param name="inOrder">Whether a broker answers those in the order in which they came (MQTT 5, 4.6).</param>
        public Request(bool inOrder) => (InOrder, Place) = (inOrder, new LinkedListNode<Request>(this));

        public bool InOrder { get; }

        /// <summary>Its place among those that wait.</summary>
        public LinkedListNode<Request> Place { get; }

        /// <summary>When the first later one was answered.</summary>
        public long? OvertakenAt { get; set; }
    }
}
