using MantaLight.Diagnostics;
using MantaLight.Messaging;

namespace MantaLight.Nodes;

/// <summary>
/// A coordinator's connection. What the broker refuses for a quota or a rate, which pass, is no fault of the run: it is as good as a
/// connection that is lost, and whoever is elected next begins again.
/// </summary>
internal sealed class CoordinatorConnection(IBrokerConnection inner) : IBrokerConnection
{
    public string ClientId => inner.ClientId;

    public bool IsConnected => inner.IsConnected;

    public string? Problem => inner.Problem;

    public BrokerLimits Limits => inner.Limits;

    public TrafficCounter Traffic => inner.Traffic;

    public IDisposable Watch(Action<ConnectionStatus> observer) => inner.Watch(observer);

    public async ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await inner.PublishAsync(message, cancellationToken);
        }
        catch (BrokerRefusedException e) when (message.Payload.Length <= inner.Limits.MaximumPayload)
        {
            throw new BrokerConnectionLostException(e.Message, e);
        }
    }

    public Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken) =>
        inner.SubscribeAsync(filter, handler, cancellationToken);

    public Task CloseAsync(CancellationToken cancellationToken) => inner.CloseAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
