using System.Buffers;
using MantaLight.Messaging;

namespace MantaLight.Simulation;

/// <summary>A client's connection to the <see cref="FaultyBroker"/>, with the habits of the real one: its window, its back-off, its patience.</summary>
internal sealed class FaultyConnection : IBrokerConnection
{
    private readonly FaultyBroker broker;
    private readonly Network network;
    private readonly ConnectionProfile profile;
    private readonly SimulatedProcess process;
    private readonly List<Subscription> subscriptions = [];
    private readonly Observers observers;
    private readonly ReceiveLoop received;
    private readonly Answers answers;
    private readonly CancellationTokenSource closing = new();
    private Link? link;
    private Task reconnecting = Task.CompletedTask;
    private Task? closed;

    private FaultyConnection(FaultyBroker broker, Network network, ConnectionProfile profile)
    {
        (this.broker, this.network, this.profile, process) = (broker, network, profile, network.Process);
        answers = new Answers(broker.Temper.Limits.Window, Down);
        received = new ReceiveLoop(process);
        observers = new Observers(received);
    }

    public string ClientId => profile.ClientId;

    public bool IsConnected => link is { IsUp: true };

    public string? Problem => IsConnected ? null : "it was cut";

    public BrokerLimits Limits => broker.Temper.Limits;

    public TrafficCounter Traffic { get; } = new();

    public static async Task<FaultyConnection> OpenAsync(FaultyBroker broker, Network network, ConnectionProfile profile, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var connection = new FaultyConnection(broker, network, profile);
        connection.link = await connection.OpenLinkAsync(cancellationToken);
        return connection;
    }

    public IDisposable Watch(Action<ConnectionStatus> observer) => observers.Watch(observer);

    public async ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
    {
        process.CheckAlive();
        cancellationToken.ThrowIfCancellationRequested();
        TopicFilter.CheckTopic(message.Topic);
        if (link is not { IsUp: true } now)
            throw Down();
        if (message.Delivery == Delivery.AtMostOnce)
        {
            Send(now, message, null);
            return;
        }
        var answer = new Answer(now, process.World.Now, isPublish: true);
        answers.Ask(answer, () => Send(now, message, answer));
        try
        {
            await Within(answer, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            answer.TrySetCanceled(CancellationToken.None);
            throw;
        }
    }

    public async Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken)
    {
        process.CheckAlive();
        cancellationToken.ThrowIfCancellationRequested();
        TopicFilter.Check(filter);
        if (link is not { IsUp: true } now)
            throw Down();
        var subscription = new Subscription(this, filter, handler);
        subscriptions.Add(subscription);
        try
        {
            await RequestAsync(now, filter, () => broker.Subscribe(now, filter), cancellationToken);
        }
        catch
        {
            subscriptions.Remove(subscription);
            throw;
        }
        return subscription;
    }

    public async Task CloseAsync(CancellationToken cancellationToken) => await (closed ??= CloseOnceAsync()).WaitAsync(cancellationToken);

    public ValueTask DisposeAsync() => new(CloseAsync(CancellationToken.None));

    private async Task CloseOnceAsync()
    {
        process.CheckAlive();
        closing.Cancel();
        await reconnecting;
        await answers.WhenNoneAsync();
        if (link is { IsUp: true } last)
            last.Leave();
        link = null;
        observers.Close();
    }

    private void Send(Link over, OutboundMessage message, Answer? answer)
    {
        var kills = network.KilledAfterPublishes >= 0 && network.KilledAfterPublishes-- == 0;
        var payload = message.Payload.ToArray();
        Traffic.CountSent(message.Topic, payload.Length);
        if (!kills || broker.Draw.Chance(0.5))
        {
            // A broker that acknowledges what has not taken effect takes effects in a connection's order: on that rests who reads back the last.
            over.SendUp(network.IsFar && broker.Temper.Routing > TimeSpan.Zero ? "" : message.Topic, message.Topic.Length + payload.Length, () =>
            {
                broker.Publish(over, message.Topic, payload, message.Retain, message.Delivery);
                if (answer is not null && over.IsIn)
                    over.SendDown("", () => answers.Came(answer));
            });
        }
        if (network.Commits is { } react && message.Topic.EndsWith("/state", StringComparison.Ordinal))
        {
            network.Commits = null;
            react();
        }
        if (!kills)
            return;
        process.World.Tally.Add(Tally.KilledAtPublish);
        process.Kill();
        process.CheckAlive();
    }

    /// <summary>Asks the broker for something else than a publish.</summary>
    private Task RequestAsync(Link over, string key, Action atBroker, CancellationToken cancellationToken)
    {
        var answer = new Answer(over, process.World.Now, isPublish: false);
        answers.Ask(answer, () => over.SendUp(key, key.Length, () =>
        {
            if (!over.IsIn)
                return;
            if (!broker.Temper.AnswersFirst)
                atBroker();
            over.SendDown(key, () => answers.Came(answer));
            if (broker.Temper.AnswersFirst)
                atBroker();
        }));
        return Within(answer, cancellationToken);
    }

    private Task<Link> OpenLinkAsync(CancellationToken cancellationToken) => LinkOpening.OpenAsync(broker, network, profile, Receive, LinkLost, cancellationToken);

    private void LinkLost(Link lost, string reason)
    {
        if (link != lost)
            return;
        link = null;
        process.World.Trace.Add("gone", ClientId, reason);
        process.Post(() =>
        {
            answers.Fail();
            observers.Announce(ConnectionStatus.Lost);
            if (profile.Reconnect && !closing.IsCancellationRequested)
                reconnecting = ReconnectAsync();
            else
                observers.Announce(ConnectionStatus.Closed);
        });
    }

    private async Task ReconnectAsync()
    {
        for (var attempt = 0; !closing.IsCancellationRequested; attempt++)
        {
            try
            {
                var whole = Math.Min(10, 0.2 * Math.Pow(2, Math.Min(attempt, 10)));
                await Task.Delay(TimeSpan.FromSeconds(whole * 0.5) + broker.Draw.Between(TimeSpan.Zero, TimeSpan.FromSeconds(whole * 0.5)), process.Clock, closing.Token);
                var renewed = await OpenLinkAsync(closing.Token);
                // Before the subscriptions stand the connection is of no use to anybody.
                renewed.Lost = _ => answers.Fail();
                foreach (var filter in subscriptions.Select(s => s.Filter).Distinct().ToArray())
                    await RequestAsync(renewed, filter, () => broker.Subscribe(renewed, filter), closing.Token);
                if (!renewed.IsUp)
                    continue;
                renewed.Lost = reason => LinkLost(renewed, reason);
                link = renewed;
                observers.Announce(ConnectionStatus.Connected);
                return;
            }
            catch (Exception e) when (e is OperationCanceledException or MantaLightException)
            {
            }
        }
    }

    private Task Within(Answer answer, CancellationToken cancellationToken)
    {
        // Only a network that lets nothing through keeps an answer for so long.
        if (network.IsCut)
            process.World.After(profile.Timeout, () => answers.CheckStalled(process.World.Now, profile.Timeout));
        return cancellationToken.CanBeCanceled ? answer.Task.WaitAsync(cancellationToken) : answer.Task;
    }

    private void Receive(BrokerMessage message)
    {
        Traffic.CountReceived(message.Topic, message.Payload.Length);
        received.Add(() =>
        {
            foreach (var subscription in subscriptions.ToArray())
            {
                if (!subscription.IsOver && TopicFilter.Matches(subscription.Filter, message.Topic))
                    subscription.Handler(message);
            }
        });
    }

    private BrokerConnectionLostException Down() => new($"The connection '{ClientId}' is down.");

    private sealed class Subscription(FaultyConnection connection, string filter, Action<BrokerMessage> handler) : IAsyncDisposable
    {
        public string Filter => filter;

        public Action<BrokerMessage> Handler => handler;

        public bool IsOver { get; private set; }

        public async ValueTask DisposeAsync()
        {
            connection.process.CheckAlive();
            if (IsOver)
                return;
            IsOver = true;
            connection.subscriptions.Remove(this);
            if (connection.link is not { IsUp: true } now || connection.subscriptions.Exists(s => s.Filter == filter))
                return;
            try
            {
                await connection.RequestAsync(now, filter, () => now.Unsubscribe(filter), CancellationToken.None);
            }
            catch (BrokerConnectionLostException)
            {
                // It went with the connection.
            }
        }
    }
}
