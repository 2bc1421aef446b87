using MantaLight.Messaging;

namespace MantaLight.Tests.Messaging;

/// <summary>A connection that passes all on; a test's own changes something of it.</summary>
internal abstract class PassingConnection(IBrokerConnection connection) : IBrokerConnection
{
    public string ClientId => connection.ClientId;

    public bool IsConnected => connection.IsConnected;

    public string? Problem => connection.Problem;

    public BrokerLimits Limits => connection.Limits;

    public TrafficCounter Traffic => connection.Traffic;

    public virtual ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken) => connection.PublishAsync(message, cancellationToken);

    public virtual Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken) =>
        connection.SubscribeAsync(filter, handler, cancellationToken);

    public IDisposable Watch(Action<ConnectionStatus> observer) => connection.Watch(observer);

    public Task CloseAsync(CancellationToken cancellationToken) => connection.CloseAsync(cancellationToken);

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
