using System.Collections.Immutable;
using MantaLight.Blobs;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>What a seat asks of the node it belongs to: to take its own events, and what it has heard from the wire, where that fits.</summary>
internal sealed record SeatContext(
    IBroker Broker, NodeSettings Settings, MessageStamp Stamp, TrafficCounter Traffic, BlobStore Store, BlobFetcher Fetcher,
    ILogger Logger, Drops Drops, TimeProvider Time, Action<NodeEvent> Post, Func<NodeEvent, long, bool> Offer, Action<Task> Supervise);

/// <summary>
/// The coordinator connection of one swarm, from opening it to the goodbye, and the loop of the coordinator that acts on
/// it. Everything that a coordinator writes goes over this connection: a successor that has taken the client id knows
/// that its predecessor can write no more.
/// </summary>
internal sealed class CoordinatorSeat : IAsyncDisposable
{
    /// <summary>How often a coordinator looks at the clock.</summary>
    public static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan WillDelay = TimeSpan.FromSeconds(5);

    /// <summary>For what a coordinator has under way when it leaves: the chunks of globals that it clears.</summary>
    private static readonly TimeSpan GoodbyePatience = TimeSpan.FromSeconds(8);

    private readonly EventQueue<SeatCommand> commands;
    private readonly CancellationTokenSource stopping = new();
    private readonly SeatContext context;
    private readonly string swarm;
    private readonly Task running;
    private volatile CoordinatorLoop? loop;
    private IAsyncDisposable? states;
    private bool goodbye;
    private volatile bool retired;
    private volatile string? problem;

    public CoordinatorSeat(SeatContext context, string swarm)
    {
        this.context = context;
        this.swarm = swarm;
        commands = new EventQueue<SeatCommand>("coordinator", context.Drops);
        running = Background.Run(RunAsync);
    }

    /// <summary>Why the connection failed, where it did.</summary>
    public string? Problem => problem;

    /// <summary>Asks for something; what is asked is done in order.</summary>
    public void Post(SeatCommand command)
    {
        goodbye |= command is SeatCommand.Goodbye;
        commands.Post(command);
    }

    /// <summary>Asks for what came from the wire in a small message, unless too much of that waits.</summary>
    public void Offer(SeatCommand command) => commands.Offer(command, bytes: 0);

    /// <summary>Says goodbye where that was asked for, does nothing else any more, and closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        retired = true;
        commands.Complete();
        if (!goodbye || !await running.EndsWithinAsync(GoodbyePatience + TimeSpan.FromSeconds(2), context.Time))
            await stopping.CancelBesideAsync();
        await running;
        stopping.Dispose();
    }

    private async Task RunAsync()
    {
        var topics = context.Settings.Topics;
        try
        {
            await using var connection = new CoordinatorConnection(await context.Broker.ConnectAsync(new ConnectionProfile
            {
                ClientId = $"{topics.Cluster}.{swarm}.coordinator",
                Reconnect = false,
                Will = new BrokerWill(topics.Lost(swarm), ProtocolJson.Write(context.Stamp.Stamp(new CoordinatorLost())), Retain: false, WillDelay),
            }, stopping.Token));
            using var watch = connection.Watch(status =>
            {
                if (status is ConnectionStatus.Lost or ConnectionStatus.Closed)
                    Post(new SeatCommand.ConnectionLost());
            });
            // Before the claim, and until somebody acts: what a removed swarm has left is its tombstone alone.
            states = await connection.SubscribeAsync(topics.State(swarm), message =>
            {
                if (ProtocolJson.Read<SwarmState>(message.Payload, out _) is { } state && Authority.IsTerm(state.Term))
                    context.Offer(new NodeEvent.ElectionHappened(swarm, this, new ElectionEvent.StateRead(state.Term)), message.Size);
            }, stopping.Token);
            await using var claims = await connection.SubscribeAsync(topics.Coordinator(swarm), message =>
            {
                if (message.Payload.IsEmpty && loop is not { HasClearedClaim: true })
                    context.Offer(new NodeEvent.ElectionHappened(swarm, this, new ElectionEvent.ClaimGone()), message.Size);
                else if (ProtocolJson.Read<CoordinatorClaim>(message.Payload, out _) is { } claim && Authority.IsTerm(claim.Term))
                    context.Offer(new NodeEvent.ElectionHappened(swarm, this, new ElectionEvent.ClaimRead(new Claim(claim.Term, claim.From, claim.Incarnation))), message.Size);
            }, stopping.Token);
            Tell(new ElectionEvent.Opened());
            await ObeyAsync(connection, topics);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            problem = e.Message;
            Log.SeatFailed(context.Logger, swarm, e.Message);
        }
        finally
        {
            if (loop is not null)
                await loop.DisposeAsync();
            if (loop?.Final is { } final)
                context.Post(new NodeEvent.SeatLost(swarm, final));
            Tell(new ElectionEvent.ConnectionLost());
        }
    }

    private async Task ObeyAsync(CoordinatorConnection connection, Topics topics)
    {
        await foreach (var command in commands.EachAsync(stopping.Token))
        {
            if (retired && command is not SeatCommand.Goodbye)
                continue;
            switch (command)
            {
                case SeatCommand.Claim claim when loop is not { HasClearedClaim: true }:
                    await PublishAsync(connection, topics.Coordinator(swarm), new CoordinatorClaim { Term = claim.Term }, retain: true);
                    break;
                case SeatCommand.Beat beat:
                    await PublishAsync(connection, topics.Beat(swarm), new CoordinatorBeat { Term = beat.Term }, retain: false);
                    break;
                case SeatCommand.Act act:
                    Log.Acting(context.Logger, swarm, act.Term);
                    if (states is not null)
                        await states.DisposeAsync();
                    loop = new CoordinatorLoop(context, connection, swarm, act, commands, () => retired);
                    if (!await loop.BeginAsync(stopping.Token))
                        Leave();
                    break;
                case SeatCommand.Happened happened when loop is { HasRun: true }:
                    if (!await loop.StepAsync(happened.Event, stopping.Token))
                        Leave();
                    break;
                case SeatCommand.Goodbye goodbye:
                    if (loop is not null)
                        await loop.DrainAsync(GoodbyePatience);
                    if (goodbye.Term > 0)
                    {
                        // Where the swarm has gone there is nothing to be coordinated, and no claim to give back.
                        if (loop is not { HasClearedClaim: true })
                            await PublishAsync(connection, topics.Coordinator(swarm), new CoordinatorClaim { Term = goodbye.Term, Released = true }, retain: true);
                        await PublishAsync(connection, topics.Lost(swarm), new CoordinatorLost { Term = goodbye.Term, Graceful = true }, retain: false);
                    }
                    await connection.CloseAsync(stopping.Token);
                    return;
                case SeatCommand.ConnectionLost:
                    return;
            }
        }
    }

    private ValueTask PublishAsync(CoordinatorConnection connection, string topic, ControlMessage message, bool retain) =>
        connection.PublishAsync(new OutboundMessage(topic, ProtocolJson.Write(context.Stamp.Stamp(message)), retain), stopping.Token);

    private void Leave() => context.Post(new NodeEvent.SeatLeft(swarm, this, loop?.Final));

    private void Tell(ElectionEvent happening) => context.Post(new NodeEvent.ElectionHappened(swarm, this, happening));
}

/// <summary>What a seat can be told.</summary>
internal abstract record SeatCommand
{
    public sealed record Claim(long Term) : SeatCommand;

    public sealed record Beat(long Term) : SeatCommand;

    /// <summary>To begin, with what the node knows at that moment.</summary>
    public sealed record Act(long Term, ImmutableArray<Presence> Members, SwarmBook Book, SwarmState? Known, OwnersWord? Word, bool IsCold) : SeatCommand;

    public sealed record Happened(CoordinatorEvent Event) : SeatCommand;

    public sealed record Goodbye(long Term) : SeatCommand;

    public sealed record ConnectionLost : SeatCommand;
}
