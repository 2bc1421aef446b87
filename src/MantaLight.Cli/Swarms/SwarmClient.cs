using System.Security.Cryptography;
using System.Threading.Channels;
using MantaLight.Checkpoints;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Cli.Swarms;

/// <summary>A tool's connection to one cluster: reads what the broker keeps, publishes what an owner wants.</summary>
internal sealed class SwarmClient : IAsyncDisposable
{
    private const int MaximumRetained = 20_000;

    // Some brokers replay retained messages well after they have acknowledged the subscription.
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(400);

    /// <summary>Whoever waits for so long wants to know for what.</summary>
    private static readonly TimeSpan Lasting = TimeSpan.FromSeconds(3);

    private readonly IBrokerConnection connection;
    private readonly MessageStamp stamp;
    private readonly TimeProvider time;
    private volatile bool isClosed;

    private SwarmClient(IBrokerConnection connection, Topics topics, string broker, string name, TimeProvider time)
    {
        this.connection = connection;
        this.time = time;
        Topics = topics;
        Broker = broker;
        stamp = new MessageStamp(name, name, time);
        connection.Watch(status => isClosed |= status == ConnectionStatus.Closed);
    }

    /// <summary>The cluster's topics.</summary>
    public Topics Topics { get; }

    /// <summary>The broker's address without credentials.</summary>
    public string Broker { get; }

    /// <summary>Why the broker cannot be reached; null while it can.</summary>
    public string? Problem => connection.Problem;

    /// <summary>Whether the connection is over for good: the broker refuses it.</summary>
    public bool IsClosed => isClosed;

    /// <exception cref="InvalidSettingException">The address or the cluster cannot be.</exception>
    /// <exception cref="BrokerUnreachableException">Nobody answers there.</exception>
    /// <exception cref="BrokerRefusedException">The broker says no.</exception>
    public static Task<SwarmClient> ConnectAsync(Uri uri, string cluster, TimeProvider time, CancellationToken cancellationToken) =>
        ConnectAsync(new MqttBrokerOptions { Uri = uri }, cluster, time, cancellationToken);

    /// <inheritdoc cref="ConnectAsync(Uri, string, TimeProvider, CancellationToken)"/>
    public static Task<SwarmClient> ConnectAsync(MqttBrokerOptions options, string cluster, TimeProvider time, CancellationToken cancellationToken) =>
        ConnectAsync(new MqttBroker(options, time: time), cluster, time, cancellationToken);

    /// <inheritdoc cref="ConnectAsync(Uri, string, TimeProvider, CancellationToken)"/>
    public static async Task<SwarmClient> ConnectAsync(IBroker broker, string cluster, TimeProvider time, CancellationToken cancellationToken)
    {
        var topics = new Topics(cluster);
        var name = $"cli-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
        var connection = await broker.ConnectAsync(new ConnectionProfile { ClientId = $"{cluster}.{name}" }, cancellationToken);
        return new SwarmClient(connection, topics, broker.Description, name, time);
    }

    /// <summary>The retained messages under a filter, as the broker has them now.</summary>
    public async Task<IReadOnlyCollection<BrokerMessage>> ReadRetainedAsync(string filter, CancellationToken cancellationToken)
    {
        var arrived = Channel.CreateBounded<BrokerMessage>(MaximumRetained);
        await using var subscription = await connection.SubscribeAsync(
            filter,
            message =>
            {
                // What is published meanwhile would keep the replay from ever ending.
                if (message.Retained)
                    arrived.Writer.TryWrite(message);
            },
            cancellationToken);
        var found = new SortedDictionary<string, BrokerMessage>(StringComparer.Ordinal);
        while (found.Count < MaximumRetained)
        {
            using var quiet = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            quiet.CancelAfter(Quiet);
            try
            {
                var message = await arrived.Reader.ReadAsync(quiet.Token);
                found[message.Topic] = message;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                break;
            }
        }
        return [.. found.Values.Where(m => !m.Payload.IsEmpty)];
    }

    /// <summary>The retained messages of one type under a filter; what cannot be read is left out.</summary>
    public async Task<IReadOnlyList<T>> ReadRetainedAsync<T>(string filter, CancellationToken cancellationToken)
        where T : ControlMessage
    {
        var messages = await ReadRetainedAsync(filter, cancellationToken);
        return [.. messages.Select(m => ProtocolJson.Read<T>(m.Payload, out _)).OfType<T>()];
    }

    /// <summary>The nodes that say they are online.</summary>
    public async Task<IReadOnlyList<Presence>> NodesAsync(CancellationToken cancellationToken) =>
        [.. (await ReadRetainedAsync<Presence>(Topics.AllPresence, cancellationToken)).Where(p => p.Status == NodeStatus.Online)];

    /// <summary>A swarm's state; null where there is none.</summary>
    public async Task<SwarmState?> StateAsync(string swarm, CancellationToken cancellationToken) =>
        (await ReadRetainedAsync<SwarmState>(Topics.State(swarm), cancellationToken)).SingleOrDefault();

    /// <summary>A swarm's definition as it stands; null where there is none.</summary>
    public async Task<BrokerMessage?> DefinitionAsync(string swarm, CancellationToken cancellationToken)
    {
        var found = await ReadRetainedAsync(Topics.Definition(swarm), cancellationToken);
        return found.Count == 0 ? null : found.First();
    }

    /// <summary>Publishes a definition; empty bytes remove it.</summary>
    public ValueTask DefineAsync(string swarm, ReadOnlyMemory<byte> definition, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(Topics.Definition(swarm), definition, retain: true), cancellationToken);

    /// <summary>Asks a swarm's coordinator for something.</summary>
    public ValueTask ControlAsync(string swarm, SwarmAction action, CancellationToken cancellationToken) => connection.PublishAsync(
        new OutboundMessage(Topics.Control(swarm), ProtocolJson.Write(stamp.Stamp(new SwarmControl { Action = action }))), cancellationToken);

    /// <summary>Waits until nobody claims to coordinate a swarm, or the patience is over.</summary>
    public async Task WaitForGoodbyeAsync(string swarm, TimeSpan patience, CancellationToken cancellationToken)
    {
        if ((await ReadRetainedAsync<CoordinatorClaim>(Topics.Coordinator(swarm), cancellationToken)).All(c => c.Released))
            return;
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await connection.SubscribeAsync(
            Topics.Coordinator(swarm),
            message =>
            {
                if (message.Payload.IsEmpty || ProtocolJson.Read<CoordinatorClaim>(message.Payload, out _) is { Released: true })
                    released.TrySetResult();
            },
            cancellationToken);
        await released.Task.WaitAsync(patience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Asks whoever holds a node id to publish its presence.</summary>
    public ValueTask AskIfThereAsync(string node, CancellationToken cancellationToken) => connection.PublishAsync(
        new OutboundMessage(Topics.Inbox(node), ProtocolJson.Write(stamp.Stamp(new AreYouThere()))), cancellationToken);

    /// <summary>Puts a checkpoint's globals on the broker, for a run to begin with.</summary>
    public Task<StartDefinition> PublishStartAsync(string swarm, Checkpoint checkpoint, CancellationToken cancellationToken) =>
        CheckpointStart.PublishAsync(connection, Topics.Cluster, swarm, checkpoint, time, cancellationToken);

    /// <summary>Removes what <see cref="PublishStartAsync"/> has put there.</summary>
    public Task ClearStartAsync(string swarm, StartDefinition start, CancellationToken cancellationToken) =>
        CheckpointStart.ClearAsync(connection, Topics.Cluster, swarm, start, time, cancellationToken);

    /// <summary>Keeps checkpoints of a swarm until the result is disposed, which must come before this client is.</summary>
    public Task<CheckpointKeeper> KeepCheckpointsAsync(string swarm, CheckpointOptions options, Action<CheckpointNews> tell, CancellationToken cancellationToken) =>
        CheckpointKeeper.StartAsync(connection, Topics.Cluster, swarm, options, tell, time, cancellationToken);

    /// <summary>Subscribes; the handler must not block.</summary>
    public Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken) =>
        connection.SubscribeAsync(filter, handler, cancellationToken);

    /// <summary>Waits until a swarm's state is as wanted.</summary>
    /// <param name="swarm">The swarm.</param>
    /// <param name="wanted">Whether it is.</param>
    /// <param name="patience">For how long.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <param name="lasts">Told once where the wait lasts, with the last state; null where none has come.</param>
    /// <returns>That state; null when the time is over first.</returns>
    public async Task<SwarmState?> WaitForStateAsync(
        string swarm, Predicate<SwarmState> wanted, TimeSpan patience, CancellationToken cancellationToken, Action<SwarmState?>? lasts = null)
    {
        SwarmState? last = null;
        var found = new TaskCompletionSource<SwarmState>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await connection.SubscribeAsync(
            Topics.State(swarm),
            message =>
            {
                if (ProtocolJson.Read<SwarmState>(message.Payload, out _) is not { } state)
                    return;
                Volatile.Write(ref last, state);
                if (wanted(state))
                    found.TrySetResult(state);
            },
            cancellationToken);
        try
        {
            await ((Task)found.Task).WaitAsync(TimeSpan.FromTicks(Math.Min(Lasting.Ticks, patience.Ticks)), cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            if (!found.Task.IsCompleted)
                lasts?.Invoke(Volatile.Read(ref last));
            return await found.Task.WaitAsync(patience > Lasting ? patience - Lasting : TimeSpan.Zero, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync() => await connection.DisposeAsync();
}
