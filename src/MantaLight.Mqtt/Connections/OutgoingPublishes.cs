using System.Collections.Concurrent;
using MantaLight.Messaging;

namespace MantaLight.Mqtt.Connections;

/// <summary>The publishes of one link that can be used again.</summary>
internal sealed class OutgoingPublishes
{
    private const int MostKept = 64;

    private readonly ConcurrentQueue<OutgoingPublish> free = new();

    /// <summary>A publish that waits, until the token says that nobody wants it any more.</summary>
    public OutgoingPublish Begin(in OutboundMessage message, CancellationToken cancellationToken)
    {
        if (!free.TryDequeue(out var publish))
            publish = new OutgoingPublish(this);
        publish.Begin(message, cancellationToken);
        return publish;
    }

    /// <summary>Takes one back that nobody holds.</summary>
    public void Return(OutgoingPublish publish)
    {
        if (free.Count < MostKept)
            free.Enqueue(publish);
    }
}
