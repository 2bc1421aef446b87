using System.Threading.Channels;
using MantaLight.Checkpoints;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Weights;
using Microsoft.Extensions.Logging;

namespace MantaLight.Virtual;

/// <summary>
/// A whole swarm in one process: the coordinator's state machine, the tasks and the strategies of a real one, with an attempt's slot in place of a node.
/// What is said crosses a broker in memory, on which anybody can watch it as a real swarm; weights are shared where they lie, and do not. A swarm of the same
/// definition and nodes comes to the same globals, bit for bit, as long as the same contributions count in each round: who fails or is late depends on machines
/// and time.
/// </summary>
public sealed class VirtualSwarm : IAsyncDisposable
{
    private static readonly TimeSpan Forever = TimeSpan.FromDays(7);

    // Below what a command has to end in after Ctrl-C.
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(5);

    private readonly Channel<CoordinatorEvent> events = Channel.CreateUnbounded<CoordinatorEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly SharedValues shared = new();
    private readonly VirtualSwarmSettings settings;
    private readonly SwarmDefinition definition;
    private readonly SimulatedBroker broker;
    private readonly ILoggerFactory loggers;
    private readonly VirtualCheckpoints? checkpoints;
    private readonly TimeProvider time;

    /// <param name="settings">What it is made of.</param>
    /// <param name="broker">Where it is told, in this process. Its packets must be as large as the largest message: with very many nodes, one that names a result of each.</param>
    /// <param name="loggers">For the tasks' log records.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="InvalidSettingException">An id, or the options for checkpoints, cannot be.</exception>
    /// <exception cref="CheckpointException">Their folder cannot be written to.</exception>
    public VirtualSwarm(VirtualSwarmSettings settings, SimulatedBroker broker, ILoggerFactory loggers, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Slots, 1);
        foreach (var id in settings.Nodes.Select(n => n.Id).Prepend(settings.Swarm))
            Identifier.Require(id, "An id");
        (this.settings, this.broker, this.loggers, this.time) = (settings, broker, loggers, time);
        definition = settings.From is { } from ? settings.Definition with { Start = VirtualCheckpoints.Start(from, shared) } : settings.Definition;
        shared.RoundsBefore = definition.Start?.Round ?? 0;
        if (settings.Checkpoints is not { } options)
            return;
        CheckpointKeeper.RequireSound(options);
        var known = new KnownDefinition(SwarmJson.HashOf(definition), definition.Name, definition.Module, definition.Seed);
        checkpoints = new VirtualCheckpoints(options, known, shared, settings.Kept);
    }

    /// <summary>Runs to the end.</summary>
    /// <returns>The last state.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<SwarmState> RunAsync(CancellationToken cancellationToken)
    {
        if (settings.From is { } from)
            shared.Kept.Restore(await VirtualKeptFile.ReadAsync(from, cancellationToken));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var nodes = await broker.ConnectAsync(new ConnectionProfile { ClientId = $"{VirtualSwarmSettings.Cluster}.{settings.Swarm}.nodes" }, cancellationToken);
        await using var coordinator = await broker.ConnectAsync(new ConnectionProfile { ClientId = $"{VirtualSwarmSettings.Cluster}.{settings.Swarm}.coordinator" }, cancellationToken);
        // What cannot be read or taken up would be waited for without end.
        var broken = new TaskCompletionSource<SwarmState>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Take(BrokerMessage message, Action<BrokerMessage> take)
        {
            try
            {
                take(message);
            }
            catch (Exception e)
            {
                broken.TrySetException(e);
            }
        }
        var seat = new VirtualSeat(settings, coordinator, time, Take);
        await seat.ListenAsync(update => events.Writer.TryWrite(new CoordinatorEvent.UpdateSeen(update)), cancellationToken);
        var crowd = new VirtualCrowd(settings, nodes, time, Take);
        var slots = new VirtualSlots(settings with { Definition = definition }, shared, crowd, loggers, time);
        await crowd.ComeAsync(slots, cancellationToken);
        await using var ticks = time.CreateTimer(_ => events.Writer.TryWrite(new CoordinatorEvent.Tick(default)), null, CoordinatorSeat.TickInterval, CoordinatorSeat.TickInterval);
        Task[] working = [crowd.SpeakAsync(stop.Token), .. slots.Begin(stop.Token)];
        var coordinating = CoordinateAsync(seat, crowd.Members, stop.Token);
        try
        {
            // No slot ends by itself: where one does, something is wrong that whoever waits for its attempts would never hear of.
            await await Task.WhenAny([coordinating, broken.Task, .. working]);
            return await coordinating;
        }
        finally
        {
            await stop.CancelBesideAsync();
            // One that does not heed its token is left behind.
            await Background.EndOfAsync([coordinating, .. working]).EndsWithinAsync(EndPatience, time);
        }
    }

    /// <summary>A global that stands at the end; to be disposed.</summary>
    internal NamedArrays Read(BlobRef blob) => shared.Read(blob);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        shared.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<SwarmState> CoordinateAsync(VirtualSeat seat, IEnumerable<Presence> members, CancellationToken cancellationToken)
    {
        var rounds = definition.Rounds;
        var fresh = new CoordinatorState
        {
            Swarm = settings.Swarm,
            Definition = definition with
            {
                Rounds = rounds with
                {
                    // Who waits for a slot is not late: an attempt's time begins in its slot.
                    Deadline = Forever, AdaptiveDeadline = null,
                    OnShortfall = rounds.OnShortfall == ShortfallPolicy.Wait ? ShortfallPolicy.Stop : rounds.OnShortfall,
                },
            },
            Run = new RunId(SwarmJson.HashOf(definition), 1),
            Term = 1,
            Timing = new CoordinatorTiming(),
        };
        var (state, actions) = CoordinatorMachine.Begin(fresh, null, goesOn: false, members, time.SteadyNow());
        var last = await DoAsync(seat, state, actions, null, cancellationToken);
        while (last is null || !last.Status.IsFinal())
        {
            var happening = IsAtAnEnd(state)
                ? new CoordinatorEvent.RunEnded(RunStatus.Failed, $"{state.Waiting ?? "nothing is left to do"}; nobody else can come")
                : await events.Reader.ReadAsync(cancellationToken);
            if (happening is CoordinatorEvent.Tick)
                await seat.BeatAsync(state.Term, cancellationToken);
            (state, actions) = CoordinatorMachine.Step(state, happening, time.SteadyNow());
            last = await DoAsync(seat, state, actions, last, cancellationToken);
        }
        return last;
    }

    /// <summary>Whether it waits for nodes: all that there are have been there from the beginning.</summary>
    private static bool IsAtAnEnd(CoordinatorState state) => !state.Tasks.Values.Any(t => t.Phase == TaskPhase.Running && t.Open > 0);

    private async Task<SwarmState?> DoAsync(VirtualSeat seat, CoordinatorState state, IReadOnlyList<CoordinatorAction> actions, SwarmState? last, CancellationToken cancellationToken)
    {
        foreach (var action in actions)
        {
            switch (action)
            {
                case CoordinatorAction.PublishState publish:
                    last = await seat.CommitAsync(publish.State, cancellationToken);
                    shared.Settle(last, ReadByAll(last));
                    shared.Kept.Settle(last);
                    if (checkpoints is not null)
                        await checkpoints.SeeAsync(last, cancellationToken);
                    break;
                case CoordinatorAction.PublishGlobal publish:
                    await seat.TellAsync(new GlobalValue { Run = state.Run.ToString(), Term = state.Term, Global = publish.Global }, cancellationToken);
                    break;
                case CoordinatorAction.ClearGlobal clear:
                    await seat.ClearGlobalAsync(clear.Tag, cancellationToken);
                    break;
                case CoordinatorAction.Schedule schedule:
                    await seat.ScheduleAsync(schedule, cancellationToken);
                    break;
                case CoordinatorAction.Cancel cancel:
                    await seat.CancelAsync(cancel, cancellationToken);
                    break;
                case CoordinatorAction.ClearBlob clear:
                    shared.Remove(clear.Blob);
                    events.Writer.TryWrite(new CoordinatorEvent.BlobCleared(clear.Blob));
                    break;
            }
        }
        return last;
    }

    /// <summary>The tasks of the round whose results have been read by all tasks that come after them.</summary>
    private HashSet<string> ReadByAll(SwarmState state)
    {
        var done = state.Tasks.Where(t => t.Phase is TaskPhase.Committed or TaskPhase.Skipped).Select(t => t.Alias).ToHashSet(StringComparer.Ordinal);
        return [.. done.Where(alias => definition.Tasks.All(t => !t.After.Contains(alias) || done.Contains(t.Alias)))];
    }
}
