using MantaLight.Messaging;

namespace MantaLight.Simulation;

/// <summary>A broker whose connections are bent in some way.</summary>
internal sealed class BentBroker(
    IBroker inner, Func<IBrokerConnection, ConnectionProfile, IBrokerConnection> bend, Func<ConnectionProfile, ConnectionProfile>? introduce = null) : IBroker
{
    public string Description => inner.Description;

    public async Task<IBrokerConnection> ConnectAsync(ConnectionProfile profile, CancellationToken cancellationToken) =>
        bend(await inner.ConnectAsync(introduce?.Invoke(profile) ?? profile, cancellationToken), profile);
}

/// <summary>A connection that does what another one does, but for what is overridden.</summary>
internal abstract class BentConnection(IBrokerConnection inner) : IBrokerConnection
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
