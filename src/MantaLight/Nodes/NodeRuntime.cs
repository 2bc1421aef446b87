using System.Collections.Immutable;
using System.Security.Cryptography;
using MantaLight.Blobs;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.SecureAggregation;
using MantaLight.Storage;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>
/// One participant: keeps its presence, runs the attempts that coordinators schedule on it, serves its results, and
/// coordinates swarms when it is elected. One loop owns all of its state and reads one channel.
/// </summary>
public sealed class NodeRuntime
{
    private static readonly TimeSpan WillDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly NodeSettings settings;
    private readonly IBroker broker;
    private readonly IServiceProvider services;
    private readonly ILoggerFactory loggers;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Topics topics;
    private readonly string chunks;
    private readonly MessageStamp stamp;
    private readonly TaskCompletionSource online = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Drops drops;
    private readonly EventQueue<NodeEvent> events;

    /// <summary>A node; nothing happens before <see cref="RunAsync"/>.</summary>
    /// <exception cref="InvalidSettingException">An id or a number is out of its range.</exception>
    public NodeRuntime(NodeSettings settings, IBroker broker, IServiceProvider services, ILoggerFactory loggers, TimeProvider time)
    {
        Identifier.Require(settings.Id, "Node id");
        if (settings.Concurrency < 1)
            throw new InvalidSettingException($"Concurrency is {settings.Concurrency}; it must be at least 1.");
        this.settings = settings;
        this.broker = broker;
        this.services = services;
        this.loggers = loggers;
        this.time = time;
        logger = loggers.CreateLogger("MantaLight.Nodes.Node");
        drops = new Drops(logger);
        events = new EventQueue<NodeEvent>("node", drops);
        topics = settings.Topics;
        chunks = topics.NodeBlobs(settings.Id);
        stamp = new MessageStamp(settings.Id, settings.Incarnation ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), time);
    }

    /// <summary>Completes when the node is subscribed and its presence is published; fails when it cannot start.</summary>
    public Task Online => online.Task;

    /// <summary>Bytes over the node's own connection; null before it is open.</summary>
    public TrafficCounter? Traffic { get; private set; }

    /// <summary>Runs until cancelled, then says goodbye.</summary>
    /// <exception cref="NodeIdTakenException">Another live process has the id.</exception>
    /// <exception cref="BrokerUnreachableException">The broker does not answer at the start; later losses are waited out.</exception>
    /// <exception cref="BrokerRefusedException">The broker does not take the connection or cannot serve the protocol.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            var started = time.GetUtcNow();
            var presence = stamp.Stamp(await NodePresence.DescribeAsync(settings, started, cancellationToken));
            await RefuseNamesakeAsync(cancellationToken);
            await using var connection = await broker.ConnectAsync(new ConnectionProfile
            {
                ClientId = $"{topics.Cluster}.{settings.Id}",
                Will = new BrokerWill(topics.Presence(settings.Id), ProtocolJson.Write(presence with { Status = NodeStatus.Offline }), Retain: true, WillDelay),
            }, cancellationToken);
            Traffic = connection.Traffic;
            await ServeAsync(connection, presence, cancellationToken);
        }
        catch (Exception e)
        {
            if (e is OperationCanceledException && cancellationToken.IsCancellationRequested)
                online.TrySetCanceled(cancellationToken);
            else if (!online.TrySetException(e))
                throw;
            else
                _ = online.Task.Exception; // The caller of RunAsync has it.
            throw;
        }
    }

    private async Task RefuseNamesakeAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Namesake.RefuseIfAliveAsync(broker, settings, stamp, cancellationToken);
        }
        catch (BrokerConnectionLostException e)
        {
            throw new BrokerUnreachableException($"The broker at {broker.Description} went away while the node was starting: {e.Message}", e);
        }
    }

    private async Task ServeAsync(IBrokerConnection connection, Presence presence, CancellationToken cancellationToken)
    {
        var disk = settings.Disk ?? new FileDisk(settings.StateFolder);
        var store = new BlobStore(disk);
        await using var archive = new SwarmArchive(disk, logger);
        var remembered = archive.Load(time.GetUtcNow());
        var journal = new AttemptJournal(disk, logger);
        var completed = TakeOver(store, journal, remembered);
        var kept = new KeptFiles(disk, time);
        kept.Restore(remembered.Select(r => r.Swarm).Concat(completed.Select(c => c.Swarm)).ToHashSet(StringComparer.Ordinal), completed);
        var timing = new BlobTiming();
        var inbox = new ChunkInbox(drops, time);
        await using var fetcher = new BlobFetcher(connection, topics, stamp, store, inbox, timing);
        var publisher = new BlobPublisher(connection, topics, stamp, store, timing);
        await using var clearer = new BlobClearer(connection, topics, logger, drops, time, (swarm, blob) => events.Post(new NodeEvent.ChunksCleared(swarm, blob.Sha256)));
        await using var server = new BlobServer(publisher, logger, drops, time);
        await using var outbox = new Outbox(connection, stamp, logger, drops);
        var slots = new AttemptSlots(settings.Concurrency);
        var supervisor = new Supervisor(logger);
        var loop = new NodeLoop(
            new AttemptServices(settings, topics, services, connection, store, fetcher, publisher, clearer, journal, kept, new PrivacyBooks(disk), new DiskVault(disk), archive, outbox, loggers, time, slots),
            new SeatContext(broker, settings, stamp, connection.Traffic, store, fetcher, logger, drops, time, events.Post, events.Offer, supervisor.Watch),
            presence, inbox, server);
        loop.Restore(remembered, completed);
        var subscriptions = new List<IAsyncDisposable>();
        var closed = false;
        using var watch = connection.Watch(status =>
        {
            closed |= status == ConnectionStatus.Closed;
            events.Post(new NodeEvent.ConnectionChanged(status));
        });
        try
        {
            // What a swarm's state is should be known when its definition comes, and who is there before somebody stands for election;
            // but of very many presences the broker may drop what it would replay behind them.
            foreach (var filter in Filters())
                await PersistAsync(async () => subscriptions.Add(await connection.SubscribeAsync(filter, message => Receive(message, inbox), cancellationToken)), () => closed, cancellationToken);
            var first = new OutboundMessage(topics.Presence(settings.Id), ProtocolJson.Write(presence), retain: true);
            await PersistAsync(() => connection.PublishAsync(first, cancellationToken).AsTask(), () => closed, cancellationToken);
            Log.NodeOnline(logger, settings.Id, settings.Cluster, broker.Description,
                string.Join(", ", presence.Datasets.Select(d => d.Name)), string.Join(", ", presence.Modules));
            online.TrySetResult();
            await using var ticks = time.CreateTimer(_ => events.Offer(new NodeEvent.Tick(), bytes: 0), null, settings.Tick, settings.Tick);
            await loop.RunAsync(events.EachAsync(cancellationToken), cancellationToken);
        }
        finally
        {
            await loop.StopAsync();
            await supervisor.DrainAsync(time);
            foreach (var subscription in subscriptions)
                await subscription.DisposeAsync();
            await clearer.DrainAsync(Patience);
            // A presence that is still queued must not follow the goodbye.
            await outbox.DrainAsync(Patience, time);
            await SayGoodbyeAsync(connection, presence);
        }
    }

    /// <summary>A connection that is lost while the node starts is waited for, as it is later.</summary>
    private async Task PersistAsync(Func<Task> step, Func<bool> isClosed, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await step();
                return;
            }
            catch (BrokerConnectionLostException) when (!isClosed())
            {
                await Task.Delay(RetryPause, time, cancellationToken);
            }
        }
    }

    /// <summary>What an earlier process has left: completed attempts and committed globals are kept, everything else was under way.</summary>
    private IReadOnlyList<JournalEntry> TakeOver(BlobStore store, AttemptJournal journal, ImmutableArray<RememberedSwarm> remembered)
    {
        foreach (var hash in store.DropSpoiled())
            Log.BlobSpoiled(logger, hash);
        var completed = journal.Load(store);
        var committed = remembered.SelectMany(r => r.State?.Blobs() ?? []);
        store.DropAllBut(completed.SelectMany(c => AttemptJournal.BlobsOf(c.Record)).Concat(committed).Select(b => b.Sha256).ToHashSet(StringComparer.Ordinal));
        return completed;
    }

    private IEnumerable<string> Filters() =>
    [
        topics.Inbox(settings.Id), topics.AllNodeBlobs(settings.Id), topics.Schedule("+", settings.Id),
        topics.Control("+"), topics.Coordinator("+"), topics.Beat("+"), topics.Lost("+"), topics.Census("+"), topics.State("+"),
        topics.AllPresence, topics.AllDefinitions,
    ];

    private void Receive(BrokerMessage message, ChunkInbox inbox)
    {
        // Chunks go straight to the transfer that waits for them.
        if (ChunkInbox.TryRead(message.Name, chunks, out var hash, out var chunk))
            inbox.Deliver(hash, chunk, message.Payload);
        else
            events.Offer(new NodeEvent.Received(message), message.Size);
    }

    private async Task SayGoodbyeAsync(IBrokerConnection connection, Presence presence)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            if (connection.IsConnected)
            {
                var goodbye = stamp.Stamp(presence with { Status = NodeStatus.Offline });
                await connection.PublishAsync(new OutboundMessage(topics.Presence(settings.Id), ProtocolJson.Write(goodbye), retain: true), patience.Token);
            }
            await connection.CloseAsync(patience.Token);
            Log.NodeOffline(logger, settings.Id);
        }
        catch (Exception e) when (e is MantaLightException or OperationCanceledException)
        {
            Log.PublishFailed(logger, topics.Presence(settings.Id), e.Message);
        }
    }
}
