using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MantaLight.Broker.Flow;

/// <summary>
/// Holds publishers back while too many bytes wait for a client that wants their messages, and gives up on a client
/// that takes nothing, or too little: a queue in memory must not grow with what a stopped process does not read, and
/// nobody else is to go at the pace of a slow line.
/// </summary>
internal sealed class BackPressure(EmbeddedBrokerOptions options, BrokerCounters counters, TimeProvider time, ILogger logger)
{
    private readonly ConcurrentDictionary<string, ClientQueue> queues = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ClientQueue> overloaded = new(StringComparer.Ordinal);

    /// <summary>Drops the connection and the session of a client; set by the broker.</summary>
    public Func<string, Task> Evict { get; set; } = static _ => Task.CompletedTask;

    /// <summary>A client starts with an empty queue and no subscriptions.</summary>
    public void Begin(string clientId)
    {
        Forget(clientId);
        queues[clientId] = new ClientQueue(clientId, options.MaximumPendingBytesPerClient, time);
    }

    public void Forget(string clientId)
    {
        overloaded.TryRemove(clientId, out _);
        if (queues.TryRemove(clientId, out var queue))
            queue.Close();
    }

    public void Subscribe(string clientId, string filter) => Find(clientId)?.Subscribe(filter);

    public void Unsubscribe(string clientId, string filter) => Find(clientId)?.Unsubscribe(filter);

    public void Enqueued(string clientId, long bytes, bool isReplay)
    {
        if (Find(clientId) is not { } queue)
            return;
        queue.Add(bytes, isReplay);
        if (queue.IsFull)
            overloaded[clientId] = queue;
    }

    public void Taken(string clientId, long bytes)
    {
        if (Find(clientId) is not { } queue)
            return;
        queue.Take(bytes);
        if (overloaded.IsEmpty || queue.IsFull)
            return;
        overloaded.TryRemove(clientId, out _);
        // Who was waiting may have filled it again in between.
        if (queue.IsFull)
            overloaded[clientId] = queue;
    }

    /// <summary>Waits until a message on <paramref name="topic"/> may be queued for everybody who wants it.</summary>
    public async Task AdmitAsync(string topic, CancellationToken cancellationToken)
    {
        if (overloaded.IsEmpty)
            return;
        foreach (var queue in overloaded.Values)
        {
            if (queue.Wants(topic))
                await DrainAsync(queue, cancellationToken);
        }
    }

    private async Task DrainAsync(ClientQueue queue, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Only one of the waiting publishers evicts.
            if (queue.IsTooSlow(options.StalledClientTimeout, options.SlowClientTimeout) && overloaded.TryRemove(new(queue.ClientId, queue)))
            {
                counters.CountStalled();
                Log.Stalled(logger, queue.ClientId, options.StalledClientTimeout, queue.PendingBytes, options.SlowClientTimeout);
                await Evict(queue.ClientId);
                queue.Close();
            }
            try
            {
                await queue.ReliefAsync().WaitAsync(options.StalledClientTimeout, time, cancellationToken);
                return;
            }
            catch (TimeoutException)
            {
                // It is looked at again.
            }
        }
    }

    private ClientQueue? Find(string clientId) => queues.GetValueOrDefault(clientId);
}
