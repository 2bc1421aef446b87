namespace MantaLight.Messaging;

/// <summary>A connection that does what another one does, but for what is overridden. Several filters are subscribed to one by one, so that overriding that is enough.</summary>
internal abstract class PassingConnection(IBrokerConnection inner) : IBrokerConnection
{
    public string ClientId => Inner.ClientId;

    public virtual bool IsConnected => Inner.IsConnected;

    public string? Problem => Inner.Problem;

    public BrokerLimits Limits => Inner.Limits;

    public TrafficCounter Traffic => Inner.Traffic;

    protected IBrokerConnection Inner { get; } = inner;

    public virtual IDisposable Watch(Action<ConnectionStatus> observer) => Inner.Watch(observer);

    public virtual ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken) => Inner.PublishAsync(message, cancellationToken);

    public virtual Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken) =>
        Inner.SubscribeAsync(filter, handler, cancellationToken);

    public Task CloseAsync(CancellationToken cancellationToken) => Inner.CloseAsync(cancellationToken);

    public ValueTask DisposeAsync() => Inner.DisposeAsync();
}
