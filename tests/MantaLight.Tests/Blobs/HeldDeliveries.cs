using MantaLight.Messaging;

namespace MantaLight.Tests.Blobs;

/// <summary>A connection that hands on what comes when the test says so, the oldest first, and counts what is subscribed to with each request.</summary>
internal sealed class HeldDeliveries(IBrokerConnection connection) : PassingConnection(connection), IBrokerConnection
{
    private readonly Lock gate = new();
    private readonly Queue<Action> held = new();
    private readonly List<int> requests = [];

    public int Waiting
    {
        get
        {
            lock (gate)
                return held.Count;
        }
    }

    /// <summary>How many filters each request had.</summary>
    public IReadOnlyList<int> Requests
    {
        get
        {
            lock (gate)
                return [.. requests];
        }
    }

    public void Deliver(int count)
    {
        for (var i = 0; i < count; i++)
        {
            Action next;
            lock (gate)
                next = held.Dequeue();
            next();
        }
    }

    public Task<IAsyncDisposable> SubscribeAsync(IReadOnlyList<string> filters, Action<BrokerMessage> handler, CancellationToken cancellationToken)
    {
        lock (gate)
            requests.Add(filters.Count);
        return Inner.SubscribeAsync(filters, message =>
        {
            lock (gate)
                held.Enqueue(() => handler(message));
        }, cancellationToken);
    }
}
