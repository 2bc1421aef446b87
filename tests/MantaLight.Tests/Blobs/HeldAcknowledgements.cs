using MantaLight.Messaging;

namespace MantaLight.Tests.Blobs;

/// <summary>A connection to a broker that acknowledges a publish when the test says so, the oldest first.</summary>
internal sealed class HeldAcknowledgements(IBrokerConnection connection) : IBrokerConnection
{
    private readonly Lock gate = new();
    private readonly Queue<TaskCompletionSource> held = new();

    public int UnderWay
    {
        get
        {
            lock (gate)
                return held.Count;
        }
    }

    public int MostUnderWay { get; private set; }

    public string ClientId => connection.ClientId;

    public bool IsConnected => connection.IsConnected;

    public string? Problem => connection.Problem;

    public BrokerLimits Limits => connection.Limits;

    public TrafficCounter Traffic => connection.Traffic;

    public void Acknowledge()
    {
        lock (gate)
            held.Dequeue().SetResult();
    }

    public async ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
    {
        var acknowledged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            held.Enqueue(acknowledged);
            MostUnderWay = Math.Max(MostUnderWay, held.Count);
        }
        await connection.PublishAsync(message, cancellationToken);
        await acknowledged.Task;
    }

    public IDisposable Watch(Action<ConnectionStatus> observer) => connection.Watch(observer);

    public Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken) =>
        connection.SubscribeAsync(filter, handler, cancellationToken);

    public Task CloseAsync(CancellationToken cancellationToken) => connection.CloseAsync(cancellationToken);

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
