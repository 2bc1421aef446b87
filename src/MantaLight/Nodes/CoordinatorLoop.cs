using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>The shell around <see cref="CoordinatorMachine"/>: feeds it what arrives and does what it asks, in order.</summary>
internal sealed class CoordinatorLoop(
    SeatContext context, IBrokerConnection connection, string swarm, SeatCommand.Act act, EventQueue<SeatCommand> commands) : IAsyncDisposable
{
    private readonly SwarmBook book = act.Book;
    private readonly long term = act.Term;
    private readonly CoordinatorWire wire = new(context, connection, swarm, commands);
    private readonly Topics topics = context.Settings.Topics;
    private CoordinatorState? state;
    private ITimer? ticks;
    private int tickQueued;
    private bool failed;

    /// <summary>Whether there is a run to coordinate.</summary>
    public bool HasRun => state is not null && !failed;

    /// <summary>The state as last published.</summary>
    public SwarmState? Final => wire.Final;

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
    public Task DrainAsync(TimeSpan patience) => wire.DrainAsync(patience);

    public async ValueTask DisposeAsync()
    {
        if (ticks is not null)
            await ticks.DisposeAsync();
        await wire.DisposeAsync();
    }

    private async Task<bool> BeginRunAsync(CancellationToken cancellationToken)
    {
        var retained = await wire.ReadStateAsync(act.Known, cancellationToken);
        if (await ConcludeAsync(retained, cancellationToken))
            return false;
        // What comes from here on is queued behind this call.
        await wire.SubscribeAsync<Presence>(topics.AllPresence, presence => new CoordinatorEvent.MemberSeen(presence), cancellationToken);
        await wire.SubscribeAsync<TaskUpdate>(topics.Tasks(swarm, "+"), update => new CoordinatorEvent.UpdateSeen(update), cancellationToken);
        await wire.SubscribeAsync<SwarmControl>(topics.Control(swarm), control => new CoordinatorEvent.ControlSeen(control.Action), cancellationToken);
        var resumes = retained is not null && IsUnderWay(retained);
        var fresh = new CoordinatorState
        {
            Swarm = swarm,
            Definition = book.Definition!,
            Run = new RunId(book.Hash, resumes ? retained!.Start : NextStart),
            Term = term,
            Timing = context.Settings.Coordination,
        };
        (state, var actions) = CoordinatorMachine.Begin(fresh, retained, act.Members, context.Time.SteadyNow());
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
        (state, var actions) = CoordinatorMachine.Step(state!, happening, context.Time.SteadyNow());
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
            failed = true;
            Log.CoordinationFailed(context.Logger, e, swarm);
            await FailAsync($"the coordinator failed: {e.GetType().Name}: {e.Message}", cancellationToken);
            return false;
        }
    }

    private async Task FailAsync(string reason, CancellationToken cancellationToken)
    {
        reason = reason.Length <= 1000 ? reason : reason[..1000];
        // In full, with cancelled attempts; or else, as what it would say may be the fault, in few words.
        if (state is not null && await TryAsync(() => FeedAsync(new CoordinatorEvent.RunEnded(RunStatus.Failed, reason), cancellationToken))
            && Final is { } said && said.Run == state.Run.ToString() && said.Status.IsFinal())
        {
            return;
        }
        var run = state?.Run ?? new RunId(book.Hash, Final is not null && IsUnderWay(Final) ? Final.Start : NextStart);
        await TryAsync(() => wire.CommitAsync(Ended(run, RunStatus.Failed, reason), cancellationToken));
    }

    private async Task<bool> TryAsync(Func<Task> step)
    {
        try
        {
            await step();
            return true;
        }
        catch (Exception e) when (IsOwnFault(e))
        {
            Log.CoordinationFailed(context.Logger, e, swarm);
            return false;
        }
    }

    private bool IsOwnFault(Exception e) => wire.IsConnected && e is not (OperationCanceledException or BrokerConnectionLostException);

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
            await wire.CommitAsync(retained with { Status = RunStatus.Superseded, Reason = "another definition was published", Term = term }, cancellationToken);
        if (book.Problem is not { } problem)
            return false;
        Log.DefinitionRefused(context.Logger, swarm, problem);
        await wire.CommitAsync(Ended(new RunId(book.Hash, NextStart), RunStatus.Refused, problem), cancellationToken);
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
            wire.ClearBlob(blob);
        foreach (var tag in retained.Globals.Select(g => g.Tag).Concat(book.Definition?.Globals.Keys ?? []).Distinct())
            await wire.ClearAsync(topics.Global(swarm, tag), cancellationToken);
        await wire.CommitAsync(retained with { Term = term, Status = RunStatus.Removed, Reason = "its definition was removed", Waiting = null, Tasks = [], Globals = [], Retiring = [], History = [] }, cancellationToken);
    }

    private async Task<bool> DoAsync(IReadOnlyList<CoordinatorAction> actions, CancellationToken cancellationToken)
    {
        foreach (var action in actions)
        {
            switch (action)
            {
                case CoordinatorAction.PublishState a:
                    await wire.CommitAsync(a.State, cancellationToken);
                    break;
                case CoordinatorAction.PublishGlobal a:
                    await wire.SendAsync(topics.Global(swarm, a.Global.Tag), new GlobalValue { Run = state!.Run.ToString(), Term = term, Global = a.Global }, retain: true, cancellationToken);
                    break;
                case CoordinatorAction.Schedule a:
                    await wire.SendAsync(topics.Schedule(swarm, a.Node), a.Message, retain: false, cancellationToken);
                    break;
                case CoordinatorAction.Cancel a:
                    await wire.SendAsync(topics.Inbox(a.Node), a.Message, retain: false, cancellationToken);
                    break;
                case CoordinatorAction.CallRoll a:
                    await wire.SendAsync(topics.Inbox(a.Node), a.Message, retain: false, cancellationToken);
                    break;
                case CoordinatorAction.ClearBlob a:
                    wire.ClearBlob(a.Blob);
                    break;
                case CoordinatorAction.ClearGlobal a:
                    await wire.ClearAsync(topics.Global(swarm, a.Tag), cancellationToken);
                    break;
                case CoordinatorAction.Leave:
                    return false;
            }
        }
        return true;
    }

    private void Tick()
    {
        // One tick in the queue is enough: a slow broker must not be answered by more work.
        if (Interlocked.Exchange(ref tickQueued, 1) == 0)
            commands.Post(new SeatCommand.Happened(new CoordinatorEvent.Tick(wire.Traffic)));
    }
}
