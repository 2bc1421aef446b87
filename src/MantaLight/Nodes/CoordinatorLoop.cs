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
    private static readonly TimeSpan RestorePatience = TimeSpan.FromSeconds(30);

    private readonly long term = act.Term;
    private readonly CoordinatorWire wire = new(context, connection, swarm, commands);
    private readonly Topics topics = context.Settings.Topics;
    private SwarmBook book = act.Book;
    private CoordinatorState? state;
    private GlobalRepair? repair;
    private ITimer? ticks;
    private int tickQueued;
    private (int Start, int Round, long Term) told = (-1, -1, -1);
    private long toldTerm = -1;
    private bool isOver;

    /// <summary>Whether there is a run to coordinate.</summary>
    public bool HasRun => state is not null && !isOver;

    /// <summary>The state as last published.</summary>
    public SwarmState? Final => wire.Final;

    /// <summary>Reads what was committed and begins with what the node knows; false when there is nothing to do.</summary>
    public Task<bool> BeginAsync(CancellationToken cancellationToken) => GuardAsync(BeginRunAsync, cancellationToken);

    /// <summary>One step; false when nothing is left to do.</summary>
    public Task<bool> StepAsync(CoordinatorEvent happening, CancellationToken cancellationToken)
    {
        if (happening is CoordinatorEvent.Tick)
            Interlocked.Exchange(ref tickQueued, 0);
        return GuardAsync(async stop => await FeedAsync(await ProveAsync(happening, stop), stop), cancellationToken);
    }

    /// <summary>Waits until what is being cleared is cleared, or the patience is over.</summary>
    public Task DrainAsync(TimeSpan patience) => wire.DrainAsync(patience);

    public async ValueTask DisposeAsync()
    {
        if (ticks is not null)
            await ticks.DisposeAsync();
        if (repair is not null)
            await repair.DisposeAsync();
        await wire.DisposeAsync();
    }

    private async Task<bool> BeginRunAsync(CancellationToken cancellationToken)
    {
        await using var definitions = await wire.WatchDefinitionAsync(cancellationToken);
        var inherited = await Inheritance.ReadAsync(wire, definitions, context, act, cancellationToken);
        book = inherited.Book;
        var retained = inherited.State;
        wire.Inherit(retained);
        repair = new GlobalRepair(context, connection, swarm, Online, IsCommitted, wire.ClearBlob);
        if (inherited.DefinitionLost && retained is not { Status: RunStatus.Removed })
            await RestoreDefinitionAsync(definitions, cancellationToken);
        if (await ConcludeAsync(retained, cancellationToken))
        {
            // What has just been removed is not put back.
            if (!book.Removing && retained is { Status: not RunStatus.Removed } && (inherited.StateLost || inherited.DefinitionLost))
                await RestoreAsync(retained, cancellationToken);
            return false;
        }
        // What comes from here on is queued behind this call.
        await wire.SubscribeAsync<Presence>(topics.AllPresence, presence => new CoordinatorEvent.MemberSeen(presence), cancellationToken);
        var members = await Census.TakeAsync(wire, context, act.Members, cancellationToken);
        await wire.SubscribeAsync<ControlMessage>(topics.Tasks(swarm, "+"), Told, cancellationToken);
        await wire.SubscribeAsync<SwarmControl>(topics.Control(swarm), control => new CoordinatorEvent.ControlSeen(control.Action), cancellationToken);
        await wire.WatchMembersAsync(Recollected, cancellationToken);
        var resumes = retained is not null && IsUnderWay(retained);
        var goesOn = resumes || (retained is not null && retained.Definition == book.Hash && retained.Status.CanGoOn() && book.ResumeAfter == retained.Start);
        var fresh = new CoordinatorState
        {
            Swarm = swarm,
            Definition = book.Definition!,
            Run = new RunId(book.Hash, resumes ? retained!.Start : NextStart),
            Term = term,
            Timing = context.Settings.Coordination,
            // What this node brings for the coordinator comes before the first update that tells its counters.
            Traffic = new Traffic().Note(context.Settings.Id, context.Stamp.Incarnation, new Flow(context.Traffic.Sent, context.Traffic.Received)),
        };
        (state, var actions) = CoordinatorMachine.Begin(fresh, retained, goesOn, members, context.Time.SteadyNow());
        if (goesOn)
            CheckGlobals(retained!);
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

    private static CoordinatorEvent? Told(ControlMessage message) => message switch
    {
        TaskUpdate update => new CoordinatorEvent.UpdateSeen(update),
        // An answer to the census that comes late.
        Presence presence => new CoordinatorEvent.MemberSeen(presence),
        _ => null,
    };

    private int NextStart => (Final?.Start ?? 0) + 1;

    private bool IsUnderWay(SwarmState committed) => committed.Definition == book.Hash && !committed.Status.IsFinal();

    private Task<bool> FeedAsync(CoordinatorEvent happening, CancellationToken cancellationToken)
    {
        (state, var actions) = CoordinatorMachine.Step(state!, happening, context.Time.SteadyNow());
        return DoAsync(actions, cancellationToken);
    }

    /// <summary>Commits nothing whose bytes the broker does not have: it may have lost them since the member put them there.</summary>
    private async Task<CoordinatorEvent> ProveAsync(CoordinatorEvent happening, CancellationToken cancellationToken)
    {
        if (happening is not CoordinatorEvent.UpdateSeen { Update: TaskCompleted { Globals.Length: > 0 } record } || !IsOpen(record))
            return happening;
        foreach (var blob in record.Globals.Select(g => g.Content.Blob).OfType<BlobRef>().Where(b => b.IsSound()))
        {
            if (await repair!.IsOnBrokerAsync(blob, cancellationToken))
                continue;
            return new CoordinatorEvent.UpdateSeen(new TaskFailed
            {
                From = record.From, Incarnation = record.Incarnation, Run = record.Run, Round = record.Round, Alias = record.Alias, Attempt = record.Attempt,
                Error = "ChunksMissing", Message = $"the broker does not have the chunks of global {blob.Sha256}",
            });
        }
        return happening;
    }

    private bool IsOpen(TaskCompleted record) => record.Run == state!.Run.ToString() && record.Round == state.Round
        && state.Tasks.TryGetValue(record.Alias, out var task) && task.Phase != TaskPhase.Committed
        && task.Placed.TryGetValue(record.From, out var attempt) && attempt.Phase != AttemptPhase.Completed
        && (attempt.Id == record.Attempt || AttemptId.NumberOf(record.Attempt) > attempt.Number) && RecordCheck.ProblemOf(record, task.IsOnOneNode) is null;

    private IReadOnlyCollection<string> Online() => state is null
        ? [.. act.Members.Where(m => m.Status == NodeStatus.Online).Select(m => m.From)]
        : [.. state.Members.Where(m => m.Value.Online).Select(m => m.Key)];

    private bool IsCommitted(string hash) => Final?.Globals.Any(g => g.Content.Blob?.Sha256 == hash) ?? false;

    private void CheckGlobals(SwarmState committed)
    {
        foreach (var blob in committed.Globals.Select(g => g.Content.Blob).OfType<BlobRef>())
            repair!.Check(blob);
    }

    private async Task RestoreDefinitionAsync(DefinitionWatch definitions, CancellationToken cancellationToken)
    {
        Log.PublishedAgain(context.Logger, swarm, "its definition");
        if (await definitions.RestoreAsync(book.Bytes, cancellationToken) is { } owners)
            book = owners.Length == 0 ? book with { Removing = true } : SwarmBook.Read(owners, context.Settings);
    }

    /// <summary>Puts back what the broker has lost of a run that has ended.</summary>
    private async Task RestoreAsync(SwarmState ended, CancellationToken cancellationToken)
    {
        await wire.CommitAsync(ended with { Term = term }, cancellationToken);
        foreach (var entry in ended.Globals)
            await wire.SendAsync(topics.Global(swarm, entry.Tag), new GlobalValue { Run = ended.Run, Term = term, Global = entry }, retain: true, cancellationToken);
        CheckGlobals(ended);
        await repair!.DrainAsync(RestorePatience);
    }

    /// <summary>A member knows more than this coordinator has begun with: another one begins with that.</summary>
    private void Recollected(Recollection kept)
    {
        if (kept.State is not { } known || state is null)
            return;
        // Of whatever run: who has obeyed a higher authority does not obey this one.
        var outranks = (known.Term, string.CompareOrdinal(known.From, context.Settings.Id)).CompareTo((term, 0)) > 0;
        var isLater = known.Definition == state.Run.Definition && (known.Start, known.Round).CompareTo((state.Run.Start, state.Round)) > 0;
        // Very many may say the same.
        if ((outranks && known.Term > toldTerm) || (isLater && Inheritance.Order(known).CompareTo(told) > 0))
        {
            told = isLater ? Inheritance.Order(known) : told;
            toldTerm = Math.Max(toldTerm, known.Term);
            context.Post(new NodeEvent.Recollected(swarm, kept));
        }
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
            isOver = true;
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
            && !(book.ResumeAfter == retained.Start && retained.Status.CanGoOn()) && retained.Status != RunStatus.Removed)
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

    /// <summary>Clears what the swarm has on the broker, then leaves the tombstone. What is not finished is wanted still, and so done by the next coordinator.</summary>
    private async Task RemoveAsync(SwarmState? retained, CancellationToken cancellationToken)
    {
        if (retained is null)
            return;
        // It must not put back what is swept.
        if (repair is not null)
            await repair.DisposeAsync();
        await wire.SweepAsync(retained.Retiring.Concat(retained.Globals.Select(g => g.Content.Blob).OfType<BlobRef>()), term, cancellationToken);
        foreach (var tag in retained.Globals.Select(g => g.Tag).Concat(book.Definition?.Globals.Keys ?? []).Distinct())
            await wire.ClearAsync(topics.Global(swarm, tag), cancellationToken);
        await wire.CommitAsync(
            retained with { Term = term, Status = RunStatus.Removed, Reason = "its definition was removed", Waiting = null, Tasks = [], Globals = [], Retiring = [], History = [] },
            cancellationToken);
    }

    private async Task<bool> DoAsync(IReadOnlyList<CoordinatorAction> actions, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var action in actions)
            {
                await DoAsync(action, cancellationToken);
                // Nothing may follow the last word.
                if (action is CoordinatorAction.Leave)
                    return false;
            }
            return true;
        }
        finally
        {
            await wire.FlushAsync();
        }
    }

    private async Task DoAsync(CoordinatorAction action, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case CoordinatorAction.PublishState a:
                await wire.CommitAsync(a.State, cancellationToken);
                break;
            case CoordinatorAction.PublishGlobal a:
                if (a.Global.Content.Blob is { } blob)
                    repair?.Keep(blob);
                await wire.SendAsync(topics.Global(swarm, a.Global.Tag), new GlobalValue { Run = state!.Run.ToString(), Term = term, Global = a.Global }, retain: true, cancellationToken);
                break;
            case CoordinatorAction.Schedule a:
                await wire.PostAsync(topics.Schedule(swarm, a.Node), a.Message, cancellationToken);
                break;
            case CoordinatorAction.Cancel a:
                await wire.PostAsync(topics.Inbox(a.Node), a.Message, cancellationToken);
                break;
            case CoordinatorAction.CallRoll a:
                await wire.PostAsync(topics.Inbox(a.Node), a.Message, cancellationToken);
                break;
            case CoordinatorAction.ClearBlob a:
                wire.ClearBlob(a.Blob);
                break;
            case CoordinatorAction.ClearGlobal a:
                await wire.ClearAsync(topics.Global(swarm, a.Tag), cancellationToken);
                break;
            case CoordinatorAction.Remove:
                await RemoveAsync(Final, cancellationToken);
                break;
            case CoordinatorAction.Leave:
                isOver = true;
                break;
        }
    }

    private void Tick()
    {
        // One tick in the queue is enough: a slow broker must not be answered by more work.
        if (Interlocked.Exchange(ref tickQueued, 1) == 0)
            commands.Post(new SeatCommand.Happened(new CoordinatorEvent.Tick(wire.Traffic)));
    }
}
