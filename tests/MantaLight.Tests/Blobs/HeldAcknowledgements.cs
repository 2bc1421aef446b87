using MantaLight.Messaging;

namespace MantaLight.Tests.Blobs;

/// <summary>A connection to a broker that acknowledges a publish when the test says so, the oldest first.</summary>
internal sealed class HeldAcknowledgements(IBrokerConnection connection) : PassingConnection(connection)
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

    public void Acknowledge()
    {
        lock (gate)
            held.Dequeue().SetResult();
    }

    public override async ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
    {
        var acknowledged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            held.Enqueue(acknowledged);
            MostUnderWay = Math.Max(MostUnderWay, held.Count);
        }
        await base.PublishAsync(message, cancellationToken);
        await acknowledged.Task;
    }
}
