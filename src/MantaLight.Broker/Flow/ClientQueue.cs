using System.Collections.Immutable;
using MantaLight.Messaging;

namespace MantaLight.Broker.Flow;

/// <summary>How much waits for one client, and what it has subscribed to.</summary>
/// <param name="clientId">Whose it is.</param>
/// <param name="limit">How many bytes may wait; those who publish for it wait while there are more.</param>
/// <param name="time">The clock.</param>
internal sealed class ClientQueue(string clientId, long limit, TimeProvider time)
{
    private readonly Lock gate = new();
    private ImmutableHashSet<string> filters = [];
    private TaskCompletionSource? relief;
    private long pendingBytes;

    // What the broker keeps in any case: in the queue it takes no memory of its own, and nobody waits for who reads it slowly.
    private long replayedBytes;

    // Since when it has been watched for its pace, and what it has taken since; from the limit on, until it is far below.
    private long? behindSince;
    private long taken;

    public string ClientId => clientId;

    public long PendingBytes => Interlocked.Read(ref pendingBytes);

    /// <summary>Whether more waits than may.</summary>
    public bool IsFull => PendingBytes > limit;

    public void Subscribe(string filter) => ImmutableInterlocked.Update(ref filters, static (all, one) => all.Add(one), filter);

    public void Unsubscribe(string filter) => ImmutableInterlocked.Update(ref filters, static (all, one) => all.Remove(one), filter);

    public bool Wants(string topic)
    {
        foreach (var filter in filters)
        {
            if (TopicFilter.Matches(filter, topic))
                return true;
        }

        return false;
    }

    /// <summary>How much waits of what is published; retained messages that are replayed are apart.</summary>
    /// <param name="bytes">What has been queued.</param>
    /// <param name="isReplay">Whether it is replayed.</param>
    public void Add(long bytes, bool isReplay)
    {
        lock (gate)
        {
            if (isReplay)
            {
                replayedBytes += bytes;
                return;
            }
            pendingBytes += bytes;
            if (pendingBytes > limit && behindSince is null)
                Watch();
        }
    }

    /// <param name="bytes">What left the queue.</param>
    public void Take(long bytes)
    {
        lock (gate)
        {
            taken += bytes;
            // Which of the two it was is not known: together they are what waits.
            var replayed = Math.Min(replayedBytes, bytes);
            replayedBytes -= replayed;
            bytes -= replayed;
            // A resumed session sends again what it had sent before; that was not counted in twice.
            pendingBytes = Math.Max(0, pendingBytes - bytes);
            if (pendingBytes <= limit)
                Relieve();
            if (pendingBytes <= limit / 2)
                behindSince = null;
        }
    }

    /// <summary>
    /// Whether at the pace of a while it would take longer than the patience for as much as may wait. A full queue holds those who publish, so that one
    /// message taken now and then is not enough.
    /// </summary>
    public bool IsTooSlow(TimeSpan watched, TimeSpan patience)
    {
        lock (gate)
        {
            if (behindSince is not { } since || time.GetElapsedTime(since) is var elapsed && elapsed < watched)
                return false;
            if (taken * patience.TotalSeconds < limit * elapsed.TotalSeconds)
                return true;
            Watch();
            return false;
        }
    }

    /// <summary>Completes when no more than the limit is pending, or the queue is gone.</summary>
    public Task ReliefAsync()
    {
        lock (gate)
        {
            if (pendingBytes <= limit)
                return Task.CompletedTask;
            relief ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return relief.Task;
        }
    }

    public void Close()
    {
        lock (gate)
        {
            pendingBytes = 0;
            Relieve();
        }
    }

    private void Watch() => (behindSince, taken) = (time.GetTimestamp(), 0);

    private void Relieve()
    {
        relief?.TrySetResult();
        relief = null;
    }
}
