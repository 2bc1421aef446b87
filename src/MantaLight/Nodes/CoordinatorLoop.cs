using MantaLight.Blobs;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>The shell around <see cref="CoordinatorMachine"/>: feeds it what arrives and does what it asks, in order.</summary>
internal sealed class CoordinatorLoop(
    SeatContext context, IBrokerConnection connection, string swarm, SeatCommand.Act act, EventQueue<SeatCommand> commands) : IAsyncDisposable
{
    private readonly SwarmBook book = act.Book;
    private readonly long term = act.Term;
    private readonly BlobClearer clearer = new(connection, context.Settings.Topics, context.Logger, context.Time);
    private readonly List<IAsyncDisposable> subscriptions = [];
    private readonly Topics topics = context.Settings.Topics;
    private CoordinatorState? state;
    private ITimer? ticks;
    private int tickQueued;

    /// <summary>Whether there is a run to coordinate.</summary>
    public bool HasRun => state is not null;

    /// <summary>The state as last published.</summary>
    public SwarmState? Final { get; private set; }

    /// <summary>Reads what was committed and begins with what the node knows; false when there is nothing to do.</summary>
    public Task<bool> BeginAsync(CancellationToken cancellationToken) => GuardAsync(BeginRunAsync, cancellationToken);

    /// <summary>One step; false when nothing is left to do.</summary>
    public Task<bool> StepAsync(CoordinatorEvent happening, CancellationToken cancellationToken)
    {
        if (happening is CoordinatorEvent.Tick)
            Interlocked.Exchange(ref tickQueued, 0);
        return GuardAsync(stop => FeedAsync(happening, stop), cancellationToken);
    }

    /// <summary>Waits until what is being cleared is cleared, or the patience is over.</summary>
    public Task DrainAsync(TimeSpan patience) => clearer.DrainAsync(patience);

    public async ValueTask DisposeAsync()
    {
        if (ticks is not null)
            await ticks.DisposeAsync();
        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
        await clearer.DisposeAsync();
    }

    private async Task<bool> BeginRunAsync(CancellationToken cancellationToken)
    {
        var retained = await ReadStateAsync(cancellationToken);
        Final = retained;
        if (await ConcludeAsync(retained, cancellationToken))
            return false;
        // What comes from here on is queued behind this call.
        await SubscribeAsync<Presence>(topics.AllPresence, presence => new CoordinatorEvent.MemberSeen(presence), cancellationToken);
        await SubscribeAsync<TaskUpdate>(topics.Tasks(swarm, "+"), update => new CoordinatorEvent.UpdateSeen(update), cancellationToken);
        await SubscribeAsync<SwarmControl>(topics.Control(swarm), control => new CoordinatorEvent.ControlSeen(control.Action), cancellationToken);
        var resumes = retained is not null && IsUnderWay(retained);
        var fresh = new CoordinatorState
        {
            Swarm = swarm,
            Definition = book.Definition!,
            Run = new RunId(book.Hash, resumes ? retained!.Start : NextStart),
            Term = term,
            Timing = context.Settings.Coordination,
        };
        (state, var actions) = CoordinatorMachine.Begin(fresh, retained, act.Members, context.Time.GetUtcNow());
        if (!await DoAsync(actions, cancellationToken))
            return false;
        // What its owner has asked for while nobody acted.
        if (act.Word is { } word && word.Definition == book.Hash && word.Start == fresh.Run.Start
            && !await FeedAsync(new CoordinatorEvent.ControlSeen(word.Action), cancellationToken))
        {
            return false;
        }
        ticks = context.Time.CreateTimer(_ => Tick(), null, CoordinatorSeat.TickInterval, CoordinatorSeat.TickInterval);
        return true;
    }

    private int NextStart => (Final?.Start ?? 0) + 1;

    private bool IsUnderWay(SwarmState committed) => committed.Definition == book.Hash && !committed.Status.IsFinal();

    private Task<bool> FeedAsync(CoordinatorEvent happening, CancellationToken cancellationToken)
    {
        (state, var actions) = CoordinatorMachine.Step(state!, happening, context.Time.GetUtcNow());
        return DoAsync(actions, cancellationToken);
    }

    /// <summary>Ends the run as failed where a step cannot be done: the next coordinator could not do it either.</summary>
    private async Task<bool> GuardAsync(Func<CancellationToken, Task<bool>> step, CancellationToken cancellationToken)
    {
        try
        {
            return await step(cancellationToken);
        }
        catch (Exception e) when (IsOwnFault(e))
        {
            Log.CoordinationFailed(context.Logger, e, swarm);
            await FailAsync($"the coordinator failed: {e.GetType().Name}: {e.Message}", cancellationToken);
            return false;
        }
    }

    private async Task FailAsync(string reason, CancellationToken cancellationToken)
    {
        reason = reason.Length <= 1000 ? reason : reason[..1000];
        try
        {
            if (state is not null)
                await FeedAsync(new CoordinatorEvent.RunEnded(RunStatus.Failed, reason), cancellationToken);
            if (Final is not null && Final.Definition == book.Hash && Final.Status.IsFinal() && Final.Term == term)
                return;
            var run = state?.Run ?? new RunId(book.Hash, Final is not null && IsUnderWay(Final) ? Final.Start : NextStart);
            await CommitAsync(Ended(run, RunStatus.Failed, reason), cancellationToken);
        }
        catch (Exception e) when (IsOwnFault(e))
        {
            Log.CoordinationFailed(context.Logger, e, swarm);
        }
    }

    private bool IsOwnFault(Exception e) => connection.IsConnected && e is not (OperationCanceledException or BrokerConnectionLostException);

    /// <summary>Handles what needs no coordination: an invalid definition, a run that has ended, the end of a superseded one.</summary>
    private async Task<bool> ConcludeAsync(SwarmState? retained, CancellationToken cancellationToken)
    {
        if (book.Removing)
        {
            await RemoveAsync(retained, cancellationToken);
            return true;
        }
        // Its owner removed it while this node was cut off.
        if (!book.Confirmed && retained is { Status: RunStatus.Removed } && retained.Definition == book.Hash)
            return true;
        if (retained is not null && retained.Definition == book.Hash && retained.Status.IsFinal() && book.RestartAfter != retained.Start
            && retained.Status != RunStatus.Removed)
            return true;
        if (retained is not null && retained.Definition != book.Hash && !retained.Status.IsFinal())
            await CommitAsync(retained with { Status = RunStatus.Superseded, Reason = "another definition was published", Term = term }, cancellationToken);
        if (book.Problem is not { } problem)
            return false;
        Log.DefinitionRefused(context.Logger, swarm, problem);
        await CommitAsync(Ended(new RunId(book.Hash, NextStart), RunStatus.Refused, problem), cancellationToken);
        return true;
    }

    /// <summary>A run that ends without its machine; what stands on the broker of the one before is the next one's to clear.</summary>
    private SwarmState Ended(RunId run, RunStatus status, string reason) => new()
    {
        Run = run.ToString(), Term = term, Swarm = swarm, Definition = book.Hash, Start = run.Start, Status = status, Reason = reason,
        Globals = Final?.Globals ?? [], Retiring = Final?.Retiring ?? [],
    };

    private async Task RemoveAsync(SwarmState? retained, CancellationToken cancellationToken)
    {
        if (retained is null)
            return;
        foreach (var blob in retained.Retiring.Concat(retained.Globals.Select(g => g.Content.Blob).OfType<BlobRef>()).DistinctBy(b => b.Sha256))
            clearer.Clear(swarm, blob);
        foreach (var tag in retained.Globals.Select(g => g.Tag).Concat(book.Definition?.Globals.Keys ?? []).Distinct())
            await ClearAsync(topics.Global(swarm, tag), cancellationToken);
        await CommitAsync(retained with { Term = term, Status = RunStatus.Removed, Reason = "its definition was removed", Waiting = null, Tasks = [], Globals = [], Retiring = [], History = [] }, cancellationToken);
    }

    private async Task<bool> DoAsync(IReadOnlyList<CoordinatorAction> actions, CancellationToken cancellationToken)
    {
        foreach (var action in actions)
        {
            switch (action)
            {
                case CoordinatorAction.PublishState a:
                    await CommitAsync(a.State, cancellationToken);
                    break;
                case CoordinatorAction.PublishGlobal a:
                    await SendAsync(topics.Global(swarm, a.Global.Tag), new GlobalValue { Run = state!.Run.ToString(), Term = term, Global = a.Global }, retain: true, cancellationToken);
                    break;
                case CoordinatorAction.Schedule a:
                    await SendAsync(topics.Schedule(swarm, a.Node), a.Message, retain: false, cancellationToken);
                    break;
                case CoordinatorAction.Cancel a:
                    await SendAsync(topics.Inbox(a.Node), a.Message, retain: false, cancellationToken);
                    break;
                case CoordinatorAction.CallRoll a:
                    await SendAsync(topics.Inbox(a.Node), a.Message, retain: false, cancellationToken);
                    break;
                case CoordinatorAction.ClearBlob a:
                    clearer.Clear(swarm, a.Blob);
                    break;
                case CoordinatorAction.ClearGlobal a:
                    await ClearAsync(topics.Global(swarm, a.Tag), cancellationToken);
                    break;
                case CoordinatorAction.Leave:
                    return false;
            }
        }
        return true;
    }

    private async Task CommitAsync(SwarmState committed, CancellationToken cancellationToken)
    {
        if (Final is null || Final.Status != committed.Status || Final.Run != committed.Run)
            Log.RunChanged(context.Logger, swarm, committed.Run, committed.Status.ToString(), committed.Reason is { } reason ? $": {reason}" : "");
        if (Final is not null && committed.History.Length > 0 && committed.History[^1].Round != Final.History.LastOrDefault()?.Round)
            Telemetry.Rounds.Add(1);
        committed = context.Stamp.Stamp(committed);
        await connection.PublishAsync(new OutboundMessage(topics.State(swarm), ProtocolJson.Write(committed), retain: true), cancellationToken);
        Final = committed;
    }

    private ValueTask SendAsync(string topic, ControlMessage message, bool retain, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(topic, ProtocolJson.Write(context.Stamp.Stamp(message)), retain), cancellationToken);

    private ValueTask ClearAsync(string topic, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(topic, ReadOnlyMemory<byte>.Empty, retain: true), cancellationToken);

    /// <summary>The state that is retained or, where the broker has lost it or has an older one, the one that this node knows.</summary>
    private async Task<SwarmState?> ReadStateAsync(CancellationToken cancellationToken)
    {
        var found = new TaskCompletionSource<SwarmState>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await connection.SubscribeAsync(topics.State(swarm), message =>
        {
            if (ProtocolJson.Read<SwarmState>(message.Payload, out _) is { } read && read.Swarm == swarm && Authority.IsTerm(read.Term))
                found.TrySetResult(read);
        }, cancellationToken);
        // A run that is known is not taken for none because its state is slow to come.
        var patience = context.Settings.Election.ReadBack * (act.Known is null ? 1 : 10);
        try
        {
            var retained = await found.Task.WaitAsync(patience, context.Time, cancellationToken);
            return act.Known is { } known && Order(known).CompareTo(Order(retained)) > 0 ? known : retained;
        }
        catch (TimeoutException)
        {
            return act.Known;
        }
    }

    private static (int, long, int) Order(SwarmState committed) => (committed.Start, committed.Term, committed.Round);

    private async Task SubscribeAsync<T>(string filter, Func<T, CoordinatorEvent> happened, CancellationToken cancellationToken)
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

    private void Tick()
    {
        // One tick in the queue is enough: a slow broker must not be answered by more work.
        if (Interlocked.Exchange(ref tickQueued, 1) == 0)
            commands.Post(new SeatCommand.Happened(new CoordinatorEvent.Tick(new Flow(connection.Traffic.Sent, connection.Traffic.Received))));
    }
}
