using System.Collections.Immutable;
using MantaLight.Messaging;

namespace MantaLight.Broker.Flow;

/// <summary>How much waits for one client, and what it has subscribed to.</summary>
internal sealed class ClientQueue(string clientId, TimeProvider time)
{
    private readonly Lock gate = new();
    private ImmutableHashSet<string> filters = [];
    private TaskCompletionSource? relief;
    private long pendingBytes;
    private long lastTaken = time.GetTimestamp();

    public string ClientId => clientId;

    public long PendingBytes => Interlocked.Read(ref pendingBytes);

    /// <summary>The time since the client took a message.</summary>
    public TimeSpan Idle => time.GetElapsedTime(Interlocked.Read(ref lastTaken));

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

    public void Add(long bytes)
    {
        lock (gate)
        {
            if (pendingBytes == 0)
                lastTaken = time.GetTimestamp();
            pendingBytes += bytes;
        }
    }

    /// <param name="bytes">What left the queue.</param>
    /// <param name="limit">The limit under which waiting publishers go on.</param>
    public void Take(long bytes, long limit)
    {
        lock (gate)
        {
            lastTaken = time.GetTimestamp();
            // A resumed session sends again what it had sent before; that was not counted in twice.
            pendingBytes = Math.Max(0, pendingBytes - bytes);
            if (pendingBytes <= limit)
                Relieve();
        }
    }

    /// <summary>Completes when no more than the limit is pending, or the queue is gone.</summary>
    public Task ReliefAsync(long limit)
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

    private void Relieve()
    {
        relief?.TrySetResult();
        relief = null;
    }
}
