using System.Buffers;
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
    /// <summary>How often a wait that lasts is logged.</summary>
    private static readonly TimeSpan WaitInterval = TimeSpan.FromMinutes(1);

    private readonly List<IAsyncDisposable> subscriptions = [];
    private readonly Queue<Task> underWay = new();
    private readonly BlobClearer clearer = new(
        connection, context.Settings.Topics, context.Logger, context.Drops, context.Time, (_, blob) => commands.Post(new SeatCommand.Happened(new CoordinatorEvent.BlobCleared(blob))));

    private readonly Topics topics = context.Settings.Topics;
    private DateTimeOffset waitLogged;

    public string Swarm => swarm;

    /// <summary>The state as last read or published.</summary>
    public SwarmState? Final { get; private set; }

    public bool IsConnected => connection.IsConnected;

    /// <summary>Whether no claim stands any more.</summary>
    public bool HasClearedClaim { get; private set; }

    public Flow Traffic => new(connection.Traffic.Sent, connection.Traffic.Received);

    /// <summary>Removes a global's chunks, some time later.</summary>
    public void ClearBlob(BlobRef blob) => clearer.Clear(swarm, blob);

    /// <summary>Removes the swarm's globals and every chunk, and goes on beating meanwhile.</summary>
    public Task SweepAsync(IEnumerable<BlobRef> blobs, IEnumerable<string> tags, long term, CancellationToken cancellationToken) =>
        new RetainedSweep(connection, topics, swarm, Beats(term, last: null, cancellationToken), context.Time).RunAsync(blobs, tags, cancellationToken);

    /// <summary>Beats for whoever works so long that its loop cannot send them.</summary>
    public SignOfLife Beats(long term, DateTimeOffset? last, CancellationToken cancellationToken) => new(
        context.Settings.Election.Beat, last, context.Time,
        () => SendAsync(topics.Beat(swarm), new CoordinatorBeat { Term = term }, retain: false, cancellationToken));

    /// <summary>Waits until what is being cleared is cleared, or the patience is over.</summary>
    public Task DrainAsync(TimeSpan patience) => clearer.DrainAsync(patience);

    /// <summary>The state that is retained; null where none comes.</summary>
    public Task<SwarmState?> ReadStateAsync(TimeSpan patience, CancellationToken cancellationToken) => ReadAsync(topics.State(swarm), patience, message =>
        ProtocolJson.Read<SwarmState>(message.Payload, out _) is { } read && IsSound(read) ? read : null, cancellationToken);

    /// <summary>Listens to the definition.</summary>
    public Task<DefinitionWatch> WatchDefinitionAsync(CancellationToken cancellationToken) =>
        DefinitionWatch.OpenAsync(connection, topics.Definition(swarm), context.Time, cancellationToken);

    private bool IsSound(SwarmState read) => read.Swarm == swarm && Authority.IsTerm(read.Term) && read.IsSound();

    /// <summary>What members have kept of the swarm, as they tell it and with the message's bytes, until the result is disposed.</summary>
    public Task<IAsyncDisposable> CollectAsync(Action<Recollection, long> kept, CancellationToken cancellationToken) => connection.SubscribeAsync(topics.Tasks(swarm, "+"), message =>
    {
        if (ProtocolJson.Read<Recollection>(message.Payload, out _) is { } read && read.Swarm == swarm && topics.Split(message.Topic).LastOrDefault() == read.From
            && (read.State is not { } state || IsSound(state)))
        {
            kept(read, message.Size);
        }
    }, cancellationToken);

    /// <summary>As <see cref="CollectAsync"/>, for as long as this coordinator acts.</summary>
    public async Task WatchMembersAsync(Action<Recollection, long> kept, CancellationToken cancellationToken) =>
        subscriptions.Add(await CollectAsync(kept, cancellationToken));

    /// <summary>What nodes say of themselves, as it comes, until the result is disposed.</summary>
    public Task<IAsyncDisposable> WatchPresenceAsync(Action<Presence> seen, CancellationToken cancellationToken) => WatchPresenceAsync(topics.AllPresence, seen, cancellationToken);

    /// <summary>Presences that members tell this coordinator alone, until the result is disposed.</summary>
    public Task<IAsyncDisposable> CountAsync(Action<Presence> seen, CancellationToken cancellationToken) => WatchPresenceAsync(topics.Tasks(swarm, "+"), seen, cancellationToken);

    private Task<IAsyncDisposable> WatchPresenceAsync(string filter, Action<Presence> seen, CancellationToken cancellationToken) => connection.SubscribeAsync(filter, message =>
    {
        if (ProtocolJson.Read<Presence>(message.Payload, out _) is { } read && topics.Split(message.Topic).LastOrDefault() == read.From)
            seen(read);
    }, cancellationToken);

    /// <summary>Notes what stands, or is to stand, as the last committed state.</summary>
    public void Inherit(SwarmState? state) => Final = state;

    /// <summary>The start number of a run that begins now.</summary>
    public int NextStart => Inheritance.CountOf(Final) + 1;

    /// <summary>The state of a run that ends without its machine; what stands on the broker of the one before is the next one's to clear.</summary>
    public SwarmState Ended(RunId run, RunStatus status, string reason, long term) => new()
    {
        Run = run.ToString(), Term = term, Swarm = swarm, Definition = run.Definition, Start = run.Start, Counted = Final?.Counted > run.Start ? Final.Counted : 0, Status = status, Reason = reason,
        Globals = Final?.Globals ?? [], Tags = Final?.Tags ?? [], Retiring = Final?.Retiring ?? [],
    };

    /// <summary>Publishes the state: what it says is so from here on.</summary>
    public async Task CommitAsync(SwarmState committed, CancellationToken cancellationToken)
    {
        if (Final is null || Final.Status != committed.Status || Final.Run != committed.Run)
            Log.RunChanged(context.Logger, swarm, committed.Run, committed.Status.ToString(), committed.Reason is { } reason ? $": {reason}" : "");
        if (committed.Waiting is { } waiting && (Final?.Waiting is null || context.Time.SteadyNow() - waitLogged >= WaitInterval))
        {
            waitLogged = context.Time.SteadyNow();
            Log.Waits(context.Logger, swarm, waiting);
        }
        if (Final is not null && committed.History.Length > 0 && committed.History[^1].Round != Final.History.LastOrDefault()?.Round)
            Telemetry.Rounds.Add(1);
        committed = context.Stamp.Stamp(committed);
        // The broker's word is waited for: one that refuses it must have nothing that rests on it.
        await PublishAsync(topics.State(swarm), ProtocolJson.Write(committed), retain: true, cancellationToken);
        Final = committed;
    }

    public ValueTask SendAsync(string topic, ControlMessage message, bool retain, CancellationToken cancellationToken) =>
        PublishAsync(topic, ProtocolJson.Write(context.Stamp.Stamp(message)), retain, cancellationToken);

    private ValueTask PublishAsync(string topic, ReadOnlyMemory<byte> payload, bool retain, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(topic, payload, retain), cancellationToken);

    /// <summary>Sends what nobody misses where it is lost.</summary>
    public async Task HintAsync(string topic, ControlMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await connection.PublishAsync(new OutboundMessage(topic, ProtocolJson.Write(context.Stamp.Stamp(message)), delivery: Delivery.AtMostOnce), cancellationToken);
        }
        catch (BrokerRefusedException)
        {
            // Larger than the broker takes, say.
        }
    }

    /// <summary>Sends without waiting for the broker's word, unless as many messages as it takes at once wait for that already.</summary>
    public Task PostAsync(string topic, ControlMessage message, bool retain, CancellationToken cancellationToken) =>
        PostAsync(() => SendAsync(topic, message, retain, cancellationToken).AsTask());

    private async Task PostAsync(Func<Task> send)
    {
        if (underWay.Count >= connection.Limits.Window)
            await underWay.Dequeue();
        underWay.Enqueue(send());
    }

    /// <summary>Waits until the broker has all that was posted.</summary>
    public async Task FlushAsync()
    {
        try
        {
            while (underWay.TryDequeue(out var sending))
                await sending;
        }
        finally
        {
            // After a failure the others fail too, and nobody asks them.
            await Task.WhenAll(underWay).ConfigureAwait(Background.Quietly);
            underWay.Clear();
        }
    }

    /// <summary>Takes the claim away: the swarm has gone, and its tombstone has the term.</summary>
    public async Task ClearClaimAsync(CancellationToken cancellationToken)
    {
        HasClearedClaim = true;
        await ClearAsync(topics.Coordinator(swarm), cancellationToken);
    }

    public ValueTask ClearAsync(string topic, CancellationToken cancellationToken) => PublishAsync(topic, ReadOnlyMemory<byte>.Empty, retain: true, cancellationToken);

    private async Task<T?> ReadAsync<T>(string topic, TimeSpan patience, Func<BrokerMessage, T?> read, CancellationToken cancellationToken)
        where T : class
    {
        var found = new Awaited<T>();
        await using var subscription = await connection.SubscribeAsync(topic, message =>
        {
            if (read(message) is { } value)
                found.TrySet(value);
        }, cancellationToken);
        return await found.WaitAsync(patience, context.Time, cancellationToken);
    }

    /// <summary>Feeds the coordinator with what messages mean to it; some mean nothing.</summary>
    public async Task SubscribeAsync<T>(string filter, Func<T, CoordinatorEvent?> happened, CancellationToken cancellationToken)
        where T : ControlMessage
    {
        subscriptions.Add(await connection.SubscribeAsync(filter, message =>
        {
            if (message.Payload.IsEmpty)
                return;
            if (ProtocolJson.Read<T>(message.Payload, out var problem) is not { } read)
                context.Drops.Malformed(message.Topic, problem!);
            else if (read is Presence or TaskUpdate && topics.Split(message.Topic).LastOrDefault() != read.From)
                context.Drops.Malformed(message.Topic, "it is another node's topic");
            else if (happened(read) is { } happening)
                commands.Offer(new SeatCommand.Happened(happening), message.Size);
        }, cancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        // Posted by somebody who failed before the flush.
        await Task.WhenAll(underWay).ConfigureAwait(Background.Quietly);
        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
        await clearer.DisposeAsync();
    }
}
