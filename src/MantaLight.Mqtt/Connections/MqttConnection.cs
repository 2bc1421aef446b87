using MantaLight.Messaging;
using Microsoft.Extensions.Logging;

namespace MantaLight.Mqtt.Connections;

/// <summary>The owner of one connection at a time: reconnects, renews subscriptions, tells what happens.</summary>
internal sealed class MqttConnection : IBrokerConnection
{
    private readonly MqttEndpoint endpoint;
    private readonly ConnectionProfile profile;
    private readonly bool replaysByWildcard;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly SubscriptionTable subscriptions;
    private readonly StatusBoard board;
    private readonly SemaphoreSlim subscribing = new(1);
    private readonly CancellationTokenSource closing = new();
    private readonly Lock closeGate = new();
    private volatile MqttLink link = null!;
    private volatile string problem = "it was closed";
    private Task supervisor = Task.CompletedTask;
    private Task? close;

    private MqttConnection(MqttEndpoint endpoint, ConnectionProfile profile, bool replaysByWildcard, TimeProvider time, ILogger logger)
    {
        (this.endpoint, this.profile, this.replaysByWildcard, this.time, this.logger) = (endpoint, profile, replaysByWildcard, time, logger);
        subscriptions = new SubscriptionTable(logger);
        board = new StatusBoard(logger);
    }

    public string ClientId => profile.ClientId;

    public bool IsConnected => board.Status == ConnectionStatus.Connected && !link.Lost.IsCompleted;

    public string? Problem => IsConnected ? null : problem;

    public BrokerLimits Limits => link.Limits;

    public TrafficCounter Traffic { get; } = new();

    public static async Task<MqttConnection> OpenAsync(
        MqttEndpoint endpoint, ConnectionProfile profile, bool replaysByWildcard, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var connection = new MqttConnection(endpoint, profile, replaysByWildcard, time, logger);
        connection.link = await connection.OpenLinkAsync(cancellationToken);
        Log.Connected(logger, profile.ClientId, endpoint.Description);
        connection.supervisor = connection.SuperviseAsync();
        return connection;
    }

    public IDisposable Watch(Action<ConnectionStatus> observer) => board.Watch(observer);

    public ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return link.PublishAsync(message, cancellationToken);
    }

    public Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken) =>
        SubscribeAsync([filter], handler, cancellationToken);

    public async Task<IAsyncDisposable> SubscribeAsync(IReadOnlyList<string> filters, Action<BrokerMessage> handler, CancellationToken cancellationToken)
    {
        foreach (var filter in filters)
            TopicFilter.Check(filter);
        await subscribing.WaitAsync(cancellationToken);
        try
        {
            // The handler comes first: replayed messages may overtake the broker's answer.
            var entries = subscriptions.Add(filters, handler);
            try
            {
                // Sent even where the filter is subscribed already: only a SUBSCRIBE makes the broker replay.
                await link.SubscribeAsync(filters);
            }
            catch
            {
                foreach (var entry in entries)
                    subscriptions.Remove(entry);
                throw;
            }

            return new Subscription(this, entries);
        }
        finally
        {
            subscribing.Release();
        }
    }

    public Task CloseAsync(CancellationToken cancellationToken)
    {
        lock (closeGate)
            close ??= ShutDownAsync(graceful: true);
        return close.WaitAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => new(CloseAsync(CancellationToken.None));

    /// <summary>Drops the socket without a goodbye, as the death of the process would.</summary>
    internal Task CrashAsync()
    {
        lock (closeGate)
            return close ??= ShutDownAsync(graceful: false);
    }

    private async Task ShutDownAsync(bool graceful)
    {
        // First no more reconnects, then the goodbye, then the loops: nothing can start behind our back in between.
        await closing.CancelAsync();
        await subscribing.WaitAsync();
        try
        {
            if (graceful)
                await SayGoodbyeAsync();
            else
                link.Cut("crashed on purpose");
        }
        finally
        {
            subscribing.Release();
        }

        await supervisor;
        await link.DisposeAsync();
        board.Announce(ConnectionStatus.Closed);
    }

    private async Task SayGoodbyeAsync()
    {
        // A session that outlives its connection for the sake of a delayed will must not go on collecting messages.
        if (profile.Will is { Delay.Ticks: > 0 } && !link.Lost.IsCompleted)
        {
            try
            {
                await link.UnsubscribeAsync(subscriptions.Filters);
            }
            catch (BrokerConnectionLostException)
            {
                // The goodbye finds out by itself.
            }
        }

        await link.CloseAsync();
    }

    private async Task SuperviseAsync()
    {
        var pauses = new BackOff(new Random(HashCode.Combine(profile.ClientId, time.GetTimestamp())));
        while (true)
        {
            var since = time.GetTimestamp();
            var reason = await link.Lost;
            if (closing.IsCancellationRequested)
                return;

            problem = reason;
            Log.Lost(logger, profile.ClientId, endpoint.Description, reason);
            board.Announce(ConnectionStatus.Lost);
            await link.DisposeAsync();
            if (time.GetElapsedTime(since) > BackOff.Most)
                pauses.Reset();
            if (!profile.Reconnect || !await TryReconnectAsync(pauses))
            {
                board.Announce(ConnectionStatus.Closed);
                return;
            }

            board.Announce(ConnectionStatus.Connected);
        }
    }

    private async Task<bool> TryReconnectAsync(BackOff pauses)
    {
        while (true)
        {
            try
            {
                var pause = pauses.Next();
                Log.StillDown(logger, profile.ClientId, endpoint.Description, pause, problem);
                await Task.Delay(pause, time, closing.Token);
                await RenewAsync();
                return true;
            }
            catch (OperationCanceledException) when (closing.IsCancellationRequested)
            {
                return false;
            }
            catch (Exception refusal) when (refusal is BrokerRefusedException or ConnectRefusedException { IsTemporary: false })
            {
                problem = refusal.Message;
                Log.GaveUp(logger, profile.ClientId, endpoint.Description, refusal.Message);
                return false;
            }
            catch (Exception other)
            {
                problem = other.Message;
            }
        }
    }

    private async Task RenewAsync()
    {
        var renewed = await OpenLinkAsync(closing.Token);
        try
        {
            await subscribing.WaitAsync(closing.Token);
            try
            {
                var filters = subscriptions.Filters;
                await renewed.SubscribeAsync(filters);
                link = renewed;
                Log.Reconnected(logger, profile.ClientId, endpoint.Description, filters.Count);
            }
            finally
            {
                subscribing.Release();
            }
        }
        catch
        {
            await renewed.DisposeAsync();
            throw;
        }
    }

    private async Task<MqttLink> OpenLinkAsync(CancellationToken cancellationToken)
    {
        var opened = await MqttLink.OpenAsync(endpoint, profile, subscriptions.Dispatch, Traffic, time, cancellationToken);
        opened.Limits = opened.Limits with { ReplaysRetainedByWildcard = replaysByWildcard };
        return opened;
    }

    private async Task RemoveAsync(SubscriptionTable.Entry[] entries)
    {
        // At once, so that the handler is not called again however long the broker takes.
        foreach (var entry in entries)
            subscriptions.Remove(entry);
        await subscribing.WaitAsync();
        try
        {
            var unwanted = new List<string>(entries.Length);
            foreach (var entry in entries)
            {
                if (subscriptions.Remove(entry) && !unwanted.Contains(entry.Filter))
                    unwanted.Add(entry.Filter);
            }
            if (unwanted.Count > 0 && !link.Lost.IsCompleted)
                await link.UnsubscribeAsync(unwanted);
        }
        catch (BrokerConnectionLostException)
        {
            // The subscription went with the connection, and is not renewed.
        }
        finally
        {
            subscribing.Release();
        }
    }

    private sealed class Subscription(MqttConnection connection, SubscriptionTable.Entry[] entries) : IAsyncDisposable
    {
        private int disposed;

        public ValueTask DisposeAsync() =>
            Interlocked.Exchange(ref disposed, 1) == 0 ? new ValueTask(connection.RemoveAsync(entries)) : ValueTask.CompletedTask;
    }
}
