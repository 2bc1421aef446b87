using MantaLight.Blobs;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>The shell around <see cref="CoordinatorMachine"/>: feeds it what arrives and does what it asks, in order.</summary>
internal sealed class CoordinatorLoop(
    SeatContext context, IBrokerConnection connection, string swarm, SwarmBook book, long term, Action<SeatCommand> post) : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> subscriptions = [];
    private readonly Topics topics = context.Settings.Topics;
    private CoordinatorState? state;
    private ITimer? ticks;
    private int tickQueued;

    /// <summary>Whether there is a run to coordinate.</summary>
    public bool HasRun => state is not null;

    /// <summary>The state as last published.</summary>
    public SwarmState? Final { get; private set; }

    /// <summary>Reads what was committed and begins with the members that the node knows; false when there is nothing to do.</summary>
    public async Task<bool> BeginAsync(IEnumerable<Presence> members, CancellationToken cancellationToken)
    {
        var retained = await ReadStateAsync(cancellationToken);
        Final = retained;
        if (await ConcludeAsync(retained, cancellationToken))
            return false;
        // What comes from here on is queued behind this call.
        await SubscribeAsync<Presence>(topics.AllPresence, presence => post(new SeatCommand.Happened(new CoordinatorEvent.MemberSeen(presence))), cancellationToken);
        await SubscribeAsync<TaskUpdate>(topics.Tasks(swarm, "+"), update => post(new SeatCommand.Happened(new CoordinatorEvent.UpdateSeen(update))), cancellationToken);
        await SubscribeAsync<SwarmControl>(topics.Control(swarm), control => post(new SeatCommand.Happened(new CoordinatorEvent.ControlSeen(control.Action))), cancellationToken);
        var resumes = retained is not null && retained.Definition == book.Hash && !retained.Status.IsFinal();
        var start = resumes ? retained!.Start : (retained?.Start ?? 0) + 1;
        var fresh = new CoordinatorState
        {
            Swarm = swarm,
            Definition = book.Definition!,
            Run = new RunId(book.Hash, start),
            Term = term,
            Timing = context.Settings.Coordination,
        };
        (state, var actions) = CoordinatorMachine.Begin(fresh, retained, members, context.Time.GetUtcNow());
        if (!await DoAsync(actions, cancellationToken))
            return false;
        ticks = context.Time.CreateTimer(_ => Tick(), null, CoordinatorSeat.TickInterval, CoordinatorSeat.TickInterval);
        return true;
    }

    /// <summary>One step; false when nothing is left to do.</summary>
    public Task<bool> StepAsync(CoordinatorEvent happening, CancellationToken cancellationToken)
    {
        if (happening is CoordinatorEvent.Tick)
            Interlocked.Exchange(ref tickQueued, 0);
        (state, var actions) = CoordinatorMachine.Step(state!, happening, context.Time.GetUtcNow());
        return DoAsync(actions, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (ticks is not null)
            await ticks.DisposeAsync();
        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
    }

    /// <summary>Handles what needs no coordination: an invalid definition, a run that has ended, the end of a superseded one.</summary>
    private async Task<bool> ConcludeAsync(SwarmState? retained, CancellationToken cancellationToken)
    {
        if (book.Removing)
        {
            await RemoveAsync(retained, cancellationToken);
            return true;
        }
        if (retained is not null && retained.Definition == book.Hash && retained.Status.IsFinal() && book.RestartAfter != retained.Start
            && retained.Status != RunStatus.Removed)
            return true;
        if (retained is not null && retained.Definition != book.Hash && !retained.Status.IsFinal())
            await CommitAsync(retained with { Status = RunStatus.Superseded, Reason = "another definition was published", Term = term }, cancellationToken);
        if (book.Problem is not { } problem)
            return false;
        Log.DefinitionRefused(context.Logger, swarm, problem);
        var start = (retained?.Start ?? 0) + 1;
        await CommitAsync(new SwarmState
        {
            Run = new RunId(book.Hash, start).ToString(), Term = term, Swarm = swarm, Definition = book.Hash, Start = start,
            Status = RunStatus.Refused, Reason = problem,
        }, cancellationToken);
        return true;
    }

    private async Task RemoveAsync(SwarmState? retained, CancellationToken cancellationToken)
    {
        if (retained is null)
            return;
        foreach (var global in retained.Globals)
        {
            if (global.Content.Blob is { } blob)
                await BlobPublisher.ClearGlobalAsync(connection, topics, context.Time, swarm, blob, cancellationToken);
        }
        foreach (var tag in retained.Globals.Select(g => g.Tag).Concat(book.Definition?.Globals.Keys ?? []).Distinct())
            await ClearAsync(topics.Global(swarm, tag), cancellationToken);
        await CommitAsync(retained with { Term = term, Status = RunStatus.Removed, Reason = "its definition was removed", Waiting = null, Tasks = [], Globals = [], History = [] }, cancellationToken);
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
                    await BlobPublisher.ClearGlobalAsync(connection, topics, context.Time, swarm, a.Blob, cancellationToken);
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
        await SendAsync(topics.State(swarm), committed, retain: true, cancellationToken);
        Final = committed;
    }

    private ValueTask SendAsync(string topic, ControlMessage message, bool retain, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(topic, ProtocolJson.Write(context.Stamp.Stamp(message)), retain), cancellationToken);

    private ValueTask ClearAsync(string topic, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(topic, ReadOnlyMemory<byte>.Empty, retain: true), cancellationToken);

    private async Task<SwarmState?> ReadStateAsync(CancellationToken cancellationToken)
    {
        var found = new TaskCompletionSource<SwarmState?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await connection.SubscribeAsync(
            topics.State(swarm), message => found.TrySetResult(ProtocolJson.Read<SwarmState>(message.Payload, out _)), cancellationToken);
        try
        {
            return await found.Task.WaitAsync(context.Settings.Election.ReadBack, context.Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private async Task SubscribeAsync<T>(string filter, Action<T> handle, CancellationToken cancellationToken)
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
                handle(read);
        }, cancellationToken));
    }

    private void Tick()
    {
        // One tick in the queue is enough: a slow broker must not be answered by more work.
        if (Interlocked.Exchange(ref tickQueued, 1) == 0)
            post(new SeatCommand.Happened(new CoordinatorEvent.Tick(new Flow(connection.Traffic.Sent, connection.Traffic.Received))));
    }
}
