namespace MantaLight.Mqtt.Connections;

/// <summary>
/// The requests that the broker has not answered, oldest first. The oldest one's clock starts when it becomes the
/// oldest: on a slow line each answer has its full time after the one before, and an answer that never comes is found.
/// </summary>
internal sealed class PendingAcknowledgements(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly LinkedList<object?> pending = [];
    private long oldestSince;

    public LinkedListNode<object?> Add()
    {
        lock (gate)
        {
            if (pending.Count == 0)
                oldestSince = time.GetTimestamp();
            return pending.AddLast((object?)null);
        }
    }

    public void Remove(LinkedListNode<object?> request)
    {
        lock (gate)
        {
            if (request == pending.First)
                oldestSince = time.GetTimestamp();
            pending.Remove(request);
        }
    }

    public bool IsStalled(TimeSpan timeout)
    {
        lock (gate)
            return pending.Count > 0 && time.GetElapsedTime(oldestSince) > timeout;
    }
}
