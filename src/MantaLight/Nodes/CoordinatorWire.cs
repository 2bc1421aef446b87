using MantaLight.Blobs;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>What a coordinator reads and writes over its connection.</summary>
internal sealed class CoordinatorWire(SeatContext context, IBrokerConnection connection, string swarm, EventQueue<SeatCommand> commands) : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> subscriptions = [];
    private readonly BlobClearer clearer = new(connection, context.Settings.Topics, context.Logger, context.Time);
    private readonly Topics topics = context.Settings.Topics;

    /// <summary>The state as last read or published.</summary>
    public SwarmState? Final { get; private set; }

    public bool IsConnected => connection.IsConnected;

    public Flow Traffic => new(connection.Traffic.Sent, connection.Traffic.Received);

    /// <summary>Removes a global's chunks, some time later.</summary>
    public void ClearBlob(BlobRef blob) => clearer.Clear(swarm, blob);

    /// <summary>Waits until what is being cleared is cleared, or the patience is over.</summary>
    public Task DrainAsync(TimeSpan patience) => clearer.DrainAsync(patience);

    /// <summary>The state that is retained or, where the broker has lost it or has an older one, the one that this node knows.</summary>
    public async Task<SwarmState?> ReadStateAsync(SwarmState? known, CancellationToken cancellationToken)
    {
        var found = new Awaited<SwarmState>();
        await using var subscription = await connection.SubscribeAsync(topics.State(swarm), message =>
        {
            if (ProtocolJson.Read<SwarmState>(message.Payload, out _) is { } read && read.Swarm == swarm && Authority.IsTerm(read.Term))
                found.TrySet(read);
        }, cancellationToken);
        // A run that is known is not taken for none because its state is slow to come.
        var patience = context.Settings.Election.ReadBack * (known is null ? 1 : 10);
        var retained = await found.WaitAsync(patience, context.Time, cancellationToken);
        return Final = retained is null || (known is not null && Order(known).CompareTo(Order(retained)) > 0) ? known : retained;
    }

    private static (int, long, int) Order(SwarmState committed) => (committed.Start, committed.Term, committed.Round);

    /// <summary>Publishes the state: what it says is so from here on.</summary>
    public async Task CommitAsync(SwarmState committed, CancellationToken cancellationToken)
    {
        if (Final is null || Final.Status != committed.Status || Final.Run != committed.Run)
            Log.RunChanged(context.Logger, swarm, committed.Run, committed.Status.ToString(), committed.Reason is { } reason ? $": {reason}" : "");
        if (Final is not null && committed.History.Length > 0 && committed.History[^1].Round != Final.History.LastOrDefault()?.Round)
            Telemetry.Rounds.Add(1);
        committed = context.Stamp.Stamp(committed);
        await connection.PublishAsync(new OutboundMessage(topics.State(swarm), ProtocolJson.Write(committed), retain: true), cancellationToken);
        Final = committed;
    }

    public ValueTask SendAsync(string topic, ControlMessage message, bool retain, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(topic, ProtocolJson.Write(context.Stamp.Stamp(message)), retain), cancellationToken);

    public ValueTask ClearAsync(string topic, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(topic, ReadOnlyMemory<byte>.Empty, retain: true), cancellationToken);

    public async Task SubscribeAsync<T>(string filter, Func<T, CoordinatorEvent> happened, CancellationToken cancellationToken)
        where T : ControlMessage
    {
        subscriptions.Add(await connection.SubscribeAsync(filter, message =>
        {
            if (message.Payload.IsEmpty)
                return;
            if (ProtocolJson.Read<T>(message.Payload, out var problem) is not { } read)
                Telemetry.Dropped.Add(1, new KeyValuePair<string, object?>("reason", problem));
            else if (read is Presence or TaskUpdate && topics.Split(message.Topic).LastOrDefault() != read.From)
                Telemetry.Dropped.Add(1, new KeyValuePair<string, object?>("reason", "another node's topic"));
            else
                commands.Offer(new SeatCommand.Happened(happened(read)));
        }, cancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
        await clearer.DisposeAsync();
    }
}
