namespace MantaLight.Messaging;

/// <summary>A broker that connections can be opened to.</summary>
public interface IBroker
{
    /// <summary>What a person recognizes it by: its URI without credentials.</summary>
    string Description { get; }

    /// <summary>Opens a connection and waits until the broker has accepted it.</summary>
    /// <exception cref="BrokerUnreachableException">Nobody answered.</exception>
    /// <exception cref="BrokerRefusedException">The broker answered no, or cannot serve the protocol.</exception>
    Task<IBrokerConnection> ConnectAsync(ConnectionProfile profile, CancellationToken cancellationToken);
}

/// <summary>
/// One connection, with one owner. Safe to call from several tasks; messages of one <see cref="Delivery"/> that one task publishes
/// one after the other arrive in that order; some brokers let QoS 0 overtake QoS 1.
/// </summary>
public interface IBrokerConnection : IAsyncDisposable
{
    /// <summary>The MQTT client id.</summary>
    string ClientId { get; }

    /// <summary>Whether the broker can be reached at this moment.</summary>
    bool IsConnected { get; }

    /// <summary>Why the broker cannot be reached, as last found, for people; null while it can.</summary>
    string? Problem { get; }

    /// <summary>What the broker announced when it accepted this connection.</summary>
    BrokerLimits Limits { get; }

    /// <summary>The application bytes that have crossed this connection.</summary>
    TrafficCounter Traffic { get; }

    /// <summary>
    /// Calls <paramref name="observer"/> on every change of status until the result is disposed. The observer must not
    /// block or throw. After <see cref="ConnectionStatus.Connected"/> all subscriptions are in force again and their
    /// retained messages are replayed, since sessions are not trusted to have survived.
    /// </summary>
    IDisposable Watch(Action<ConnectionStatus> observer);

    /// <summary>
    /// Publishes one message; with <see cref="Delivery.AtLeastOnce"/> the result completes when the broker has
    /// acknowledged. Never more than the broker's Receive Maximum (16 at most) are unacknowledged: further calls wait.
    /// </summary>
    /// <exception cref="BrokerConnectionLostException">
    /// The connection is or went down, or the acknowledgement did not come in time; the message may or may not have arrived.
    /// </exception>
    /// <exception cref="BrokerRefusedException">The broker refused it (not authorized, quota, packet too large).</exception>
    ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken);

    /// <summary>
    /// Subscribes with QoS 1 and calls <paramref name="handler"/> for each message, one at a time, in the order of
    /// arrival, on the connection's receive loop: it must not block (hand over to a channel). Retained messages are
    /// replayed first. Several subscriptions may overlap; a message can then be handled more than once. When the result
    /// is disposed the handler is called no more.
    /// </summary>
    Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken);

    /// <summary>
    /// Subscribes one handler to several filters, as <see cref="SubscribeAsync(string, Action{BrokerMessage}, CancellationToken)"/> does to one, in as few
    /// packets as the connection can; all of them end when the result is disposed.
    /// </summary>
    async Task<IAsyncDisposable> SubscribeAsync(IReadOnlyList<string> filters, Action<BrokerMessage> handler, CancellationToken cancellationToken)
    {
        var group = new SubscriptionGroup();
        try
        {
            foreach (var filter in filters)
                group.Add(await SubscribeAsync(filter, handler, cancellationToken));
            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }

    /// <summary>Says goodbye to the broker (no will is published) and closes; idempotent.</summary>
    Task CloseAsync(CancellationToken cancellationToken);
}
