using System.Security.Cryptography;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Protocol;

namespace MantaLight.Cli.Chaos.Watch;

/// <summary>Reads everything that a swarm tells, over a connection that nothing is done to but what is done to the broker.</summary>
internal sealed class Wire : IAsyncDisposable
{
    private readonly IBrokerConnection connection;
    private readonly Topics topics;
    private readonly string swarm;
    private readonly TimeProvider time;
    private readonly MessageStamp stamp;
    private readonly List<IAsyncDisposable> subscriptions = [];
    private readonly List<Waiter> waiters = [];
    private readonly Lock gate = new();
    private WireView view = new();

    private Wire(IBrokerConnection connection, Topics topics, string swarm, string name, TimeProvider time)
    {
        (this.connection, this.topics, this.swarm, this.time) = (connection, topics, swarm, time);
        stamp = new MessageStamp(name, name, time);
    }

    /// <summary>What is known now.</summary>
    public WireView View
    {
        get
        {
            lock (gate)
                return view;
        }
    }

    /// <summary>Connects and subscribes.</summary>
    public static async Task<Wire> OpenAsync(Uri broker, string cluster, string swarm, TimeProvider time, CancellationToken cancellationToken)
    {
        var name = $"chaos-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
        var connection = await new MqttBroker(new MqttBrokerOptions { Uri = broker }, time: time)
            .ConnectAsync(new ConnectionProfile { ClientId = $"{cluster}.{name}" }, cancellationToken);
        var wire = new Wire(connection, new Topics(cluster), swarm, name, time);
        try
        {
            foreach (var filter in wire.Filters())
                wire.subscriptions.Add(await connection.SubscribeAsync(filter, wire.Receive, cancellationToken));
            return wire;
        }
        catch
        {
            await wire.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the swarm has told something.</summary>
    /// <returns>When the message was sent that told it; null where it did not come in time.</returns>
    public async Task<DateTimeOffset?> UntilAsync(Func<WireView, bool> told, TimeSpan patience, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(told, new TaskCompletionSource<DateTimeOffset>(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (gate)
        {
            if (told(view))
                return time.GetUtcNow();
            waiters.Add(waiter);
        }
        try
        {
            return await waiter.Met.Task.WaitAsync(patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            lock (gate)
                waiters.Remove(waiter);
        }
    }

    /// <summary>Publishes the swarm's definition.</summary>
    public ValueTask DefineAsync(ReadOnlyMemory<byte> definition, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(topics.Definition(swarm), definition, retain: true), cancellationToken);

    /// <summary>Asks a node to tell that it is there.</summary>
    public ValueTask AskAsync(string node, CancellationToken cancellationToken) => connection.PublishAsync(
        new OutboundMessage(topics.Inbox(node), ProtocolJson.Write(stamp.Stamp(new AreYouThere()))), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
        await connection.DisposeAsync();
    }

    private IEnumerable<string> Filters() =>
    [
        topics.AllPresence, topics.Coordinator(swarm), topics.Beat(swarm), topics.State(swarm), topics.Tasks(swarm, "+"), topics.Definition(swarm),
    ];

    private void Receive(BrokerMessage received)
    {
        if (received.Payload.IsEmpty)
            return;
        if (received.Topic == topics.Definition(swarm))
            Take(v => v with { Defined = time.GetUtcNow() }, time.GetUtcNow());
        else if (ProtocolJson.Read<ControlMessage>(received.Payload, out _) is { } message)
            Take(v => v.With(message), message.Sent);
    }

    private void Take(Func<WireView, WireView> change, DateTimeOffset sent)
    {
        lock (gate)
        {
            view = change(view);
            // The sender's clock is this machine's.
            foreach (var waiter in waiters.Where(w => w.Told(view)))
                waiter.Met.TrySetResult(sent);
        }
    }

    private sealed record Waiter(Func<WireView, bool> Told, TaskCompletionSource<DateTimeOffset> Met);
}
