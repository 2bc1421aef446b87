using System.Collections.Immutable;
using System.Threading.Channels;
using MantaLight.Concurrency;

namespace MantaLight.Messaging;

/// <summary>A connection to a <see cref="SimulatedBroker"/>: its own loop calls handlers and observers, one after the other.</summary>
internal sealed class SimulatedBrokerConnection : IBrokerConnection
{
    private readonly SimulatedBroker broker;
    private readonly ConnectionProfile profile;
    private readonly Channel<Action> inbox = Channel.CreateUnbounded<Action>(new() { SingleReader = true });
    private readonly CancellationTokenSource closing = new();
    private readonly Task loop;
    private ImmutableArray<Subscription> subscriptions = [];
    private ImmutableArray<Action<ConnectionStatus>> observers = [];
    private Task reconnecting = Task.CompletedTask;
    private volatile bool attached;
    private int closed;

    public SimulatedBrokerConnection(SimulatedBroker broker, ConnectionProfile profile)
    {
        (this.broker, this.profile) = (broker, profile);
        loop = Background.Run(LoopAsync);
    }

    public string ClientId => profile.ClientId;

    public bool IsConnected => attached;

    public string? Problem => attached ? null : "the broker is down";

    public BrokerLimits Limits => broker.Options.Limits;

    public TrafficCounter Traffic { get; } = new();

    public BrokerWill? Will => profile.Will;

    public IDisposable Watch(Action<ConnectionStatus> observer)
    {
        Action<ConnectionStatus> own = status => observer(status);
        ImmutableInterlocked.Update(ref observers, static (all, added) => all.Add(added), own);
        return new Registration(() => ImmutableInterlocked.Update(ref observers, static (all, removed) => all.Remove(removed), own));
    }

    public ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TopicFilter.CheckTopic(message.Name);
        // As MQTT has it, but for a few bytes of headers.
        var size = message.Payload.Length + message.Name.ByteCount;
        if (size > Limits.MaximumPacketSize)
            throw new BrokerRefusedException($"A message of {message.Payload.Length} bytes to '{message.Topic}' makes a packet of more than {size} bytes, but the broker at {broker.Description} takes {Limits.MaximumPacketSize} at most.");
        if (!broker.TryPublish(this, message))
            throw Down($"'{message.Topic}' was not published");
        return ValueTask.CompletedTask;
    }

    public Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TopicFilter.Check(filter);
        var subscription = new Subscription(this, filter, handler);
        ImmutableInterlocked.Update(ref subscriptions, static (all, added) => all.Add(added), subscription);
        if (broker.TrySubscribe(this, filter))
            return Task.FromResult<IAsyncDisposable>(subscription);
        Remove(subscription);
        throw Down($"it did not subscribe to '{filter}'");
    }

    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        await EndAsync(() => broker.Leave(this));
        await loop.WaitAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => new(CloseAsync(CancellationToken.None));

    /// <summary>Ends the connection without a goodbye, as the death of the process would.</summary>
    internal async Task CrashAsync()
    {
        await EndAsync(() => broker.Drop(this));
        await loop;
    }

    /// <summary>Called by the broker when it lets the connection in.</summary>
    internal void Attach() => attached = true;

    /// <summary>Called by the broker when the connection is over, for whatever reason.</summary>
    internal void Detach()
    {
        attached = false;
        if (closed != 0)
            return;
        Announce(ConnectionStatus.Lost);
        if (profile.Reconnect)
            reconnecting = ReconnectAsync();
        else
            Finish();
    }

    internal bool Wants(string topic)
    {
        foreach (var subscription in subscriptions)
        {
            if (TopicFilter.Matches(subscription.Filter, topic))
                return true;
        }

        return false;
    }

    internal void Receive(BrokerMessage message)
    {
        Traffic.CountReceived(message.Name, message.Payload.Length);
        inbox.Writer.TryWrite(() =>
        {
            foreach (var subscription in subscriptions)
            {
                if (TopicFilter.Matches(subscription.Filter, message.Name))
                    subscription.Handle(message);
            }
        });
    }

    private async Task EndAsync(Action leave)
    {
        if (Interlocked.Exchange(ref closed, 1) != 0)
            return;
        await closing.CancelBesideAsync();
        leave();
        await reconnecting;
        leave();
        Finish();
    }

    private void Finish()
    {
        Announce(ConnectionStatus.Closed);
        inbox.Writer.TryComplete();
    }

    private async Task ReconnectAsync()
    {
        try
        {
            do
                await Task.Delay(broker.ReconnectPause, broker.Time, closing.Token);
            while (!broker.TryAttach(this));
        }
        catch (OperationCanceledException)
        {
            return;
        }

        broker.Resubscribe(this, subscriptions.Select(subscription => subscription.Filter).Distinct());
        Announce(ConnectionStatus.Connected);
    }

    private void Announce(ConnectionStatus status) => inbox.Writer.TryWrite(() =>
    {
        foreach (var observer in observers)
            observer(status);
    });

    private async Task LoopAsync()
    {
        await foreach (var action in inbox.Reader.EachAsync(CancellationToken.None))
        {
            try
            {
                action();
            }
            catch (Exception problem)
            {
                broker.ReportHandlerFailure(problem);
            }
        }
    }

    private void Remove(Subscription subscription) =>
        ImmutableInterlocked.Update(ref subscriptions, static (all, removed) => all.Remove(removed), subscription);

    private BrokerConnectionLostException Down(string consequence) =>
        new($"The connection '{ClientId}' to {broker.Description} is down: {consequence}.");

    private sealed class Registration(Action remove) : IDisposable
    {
        public void Dispose() => remove();
    }

    private sealed class Subscription(SimulatedBrokerConnection connection, string filter, Action<BrokerMessage> handler) : IAsyncDisposable
    {
        private readonly Lock gate = new();
        private bool disposed;

        public string Filter => filter;

        public void Handle(BrokerMessage message)
        {
            lock (gate)
            {
                if (disposed)
                    return;
                try
                {
                    handler(message);
                }
                catch (Exception problem)
                {
                    connection.broker.ReportHandlerFailure(problem);
                }
            }
        }

        public ValueTask DisposeAsync()
        {
            lock (gate)
                disposed = true;
            connection.Remove(this);
            return ValueTask.CompletedTask;
        }
    }
}
