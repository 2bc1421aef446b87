using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>The shell around <see cref="CoordinatorMachine"/>: feeds it what arrives and does what it asks, in order.</summary>
internal sealed class CoordinatorLoop(
    SeatContext context, IBrokerConnection connection, string swarm, SeatCommand.Act act, EventQueue<SeatCommand> commands, Func<bool> isLeaving) : IAsyncDisposable
{
    private readonly long term = act.Term;
    private readonly CoordinatorWire wire = new(context, connection, swarm, commands);
    private readonly Topics topics = context.Settings.Topics;
    private readonly Arrivals arrivals = new();
    private readonly Objections objections = new(context, swarm, act.Term);
    private SwarmBook book = act.Book;
    private CoordinatorState? state;
    private GlobalRepair? repair;
    private ITimer? ticks;
    private CoordinatorHand? hand;
    private int tickQueued;
    private bool isOver;

    /// <summary>Whether there is a run to coordinate.</summary>
    public bool HasRun => state is not null && !isOver;

    /// <summary>The state as last published.</summary>
    public SwarmState? Final => wire.Final;

    public bool HasClearedClaim => wire.HasClearedClaim;

    /// <summary>Reads what was committed and begins with what the node knows; false when there is nothing to do.</summary>
    public Task<bool> BeginAsync(CancellationToken cancellationToken) => GuardAsync(BeginRunAsync, cancellationToken);

    /// <summary>One step; false when nothing is left to do.</summary>
    public Task<bool> StepAsync(CoordinatorEvent happening, CancellationToken cancellationToken)
    {
        if (happening is CoordinatorEvent.Tick)
            Interlocked.Exchange(ref tickQueued, 0);
        return GuardAsync(async stop => await FeedAsync(await CommitProof.ProveAsync(state!, happening, repair!, wire.Beats(term, context.Time.SteadyNow(), stop), stop), stop), cancellationToken);
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
        // Very many members take their time to answer.
        var sign = wire.Beats(term, context.Time.SteadyNow(), cancellationToken);
        await using var definitions = await wire.WatchDefinitionAsync(cancellationToken);
        var inherited = await Inheritance.ReadAsync(wire, definitions, context, act, sign, cancellationToken);
        await sign.GiveAsync();
        book = inherited.Book;
        var retained = inherited.State;
        wire.Inherit(retained);
        repair = new GlobalRepair(context, connection, swarm, () => arrivals.Online(state), IsCommitted, wire.ClearBlob, Missed);
        var conclusion = new RunConclusion(context, wire, repair, term, isLeaving);
        hand = new CoordinatorHand(context, wire, repair, conclusion, term);
        if (inherited.DefinitionLost)
            await RestoreDefinitionAsync(definitions, cancellationToken);
        if (await conclusion.TryAsync(book, retained, inherited.Standing, cancellationToken))
        {
            // What has just been removed is not put back, nor what another definition has taken the place of. An end of lower authority than is known
            // would be obeyed by nobody.
            if (!book.Removing && retained is { } ended && !ended.Status.IsRemoval() && ReferenceEquals(wire.Final, retained)
                && (inherited.StateLost || inherited.DefinitionLost || IsOutranked(retained) || retained.Lost is not null))
            {
                // Who has a global may be on its way back.
                await using (await wire.WatchPresenceAsync(arrivals.Note, cancellationToken))
                    await conclusion.RestoreAsync(retained, cancellationToken);
            }
            return false;
        }
        // What comes from here on is queued behind this call.
        await wire.SubscribeAsync<Presence>(topics.AllPresence, presence =>
        {
            arrivals.Note(presence);
            return new CoordinatorEvent.MemberSeen(presence);
        }, cancellationToken);
        var members = await Census.TakeAsync(wire, context, act.Members, cancellationToken);
        await sign.GiveAsync();
        await wire.SubscribeAsync<ControlMessage>(topics.Tasks(swarm, "+"), Told, cancellationToken);
        await wire.SubscribeAsync<SwarmControl>(topics.Control(swarm), control => new CoordinatorEvent.ControlSeen(control.Action), cancellationToken);
        await wire.WatchMembersAsync(Objected, cancellationToken);
        var resumes = retained is not null && IsUnderWay(retained);
        var goesOn = resumes || (retained is not null && retained.Definition == book.Hash && retained.Status.CanGoOn() && book.ResumeAfter == retained.Start);
        var fresh = new CoordinatorState
        {
            Swarm = swarm,
            Definition = book.Definition!,
            Run = new RunId(book.Hash, resumes ? retained!.Start : wire.NextStart),
            Term = term,
            Timing = context.Settings.Coordination,
            IsCold = goesOn && (act.IsCold || inherited.Standing?.Regrouping == true),
            // What this node brings for the coordinator comes before the first update that tells its counters.
            Traffic = new Traffic().Note(context.Settings.Id, context.Stamp.Incarnation, new Flow(context.Traffic.Sent, context.Traffic.Received)),
        };
        if (retained?.Counted > fresh.Run.Start)
            fresh = fresh with { Counted = retained.Counted };
        (state, var actions) = CoordinatorMachine.Begin(fresh, retained, goesOn, members, context.Time.SteadyNow());
        if (goesOn)
            repair.Check(retained!);
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

    private bool IsOutranked(SwarmState ended) => act.Known is { } known && Authority.Compare(ended, known.Term, known.From) < 0;

    private bool IsUnderWay(SwarmState committed) => committed.Definition == book.Hash && !committed.Status.IsFinal();

    private Task<bool> FeedAsync(CoordinatorEvent happening, CancellationToken cancellationToken)
    {
        var before = state!;
        if (!Admits(before, happening))
            return Task.FromResult(true);
        (state, var actions) = CoordinatorMachine.Step(before, happening, context.Time.SteadyNow());
        // The bytes that it tells of are noted in any case.
        if (happening is CoordinatorEvent.UpdateSeen && before with { Traffic = state.Traffic } == state)
            Telemetry.Drop(Telemetry.Stale);
        return DoAsync(actions, cancellationToken);
    }

    /// <summary>Whether it is of nobody who would be one node too many.</summary>
    private bool Admits(CoordinatorState known, CoordinatorEvent happening) => happening switch
    {
        CoordinatorEvent.MemberSeen e => MemberTable.Admits(known.Members, e.Presence.From, context.Drops),
        CoordinatorEvent.UpdateSeen e => MemberTable.Admits(known.Traffic.Nodes, e.Update.From, context.Drops),
        _ => true,
    };

    /// <summary>The definition that stands from here on: its owner may publish another while the lost one is put back.</summary>
    private async Task RestoreDefinitionAsync(DefinitionWatch definitions, CancellationToken cancellationToken)
    {
        Log.PublishedAgain(context.Logger, swarm, "its definition");
        if (await definitions.RestoreAsync(book.Bytes, cancellationToken) is { } owners)
            book = owners.Length == 0 ? book with { Removing = true } : SwarmBook.Read(owners, context.Settings);
    }

    private void Missed(string hash, bool isMissing) => commands.Post(new SeatCommand.Happened(new CoordinatorEvent.GlobalMissed(hash, isMissing)));

    private void Objected(Recollection kept, long size)
    {
        if (state is null)
            return;
        objections.Hear(kept, size, state);
        if (Inheritance.CountOf(kept.State) is var start && start > Math.Max(state.Run.Start, state.Counted))
            commands.Offer(new SeatCommand.Happened(new CoordinatorEvent.StartRemembered(start)), bytes: 0);
    }

    private bool IsCommitted(string hash) => Final?.Blobs().Any(b => b.Sha256 == hash) ?? false;

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
        var run = state?.Run ?? new RunId(book.Hash, Final is not null && IsUnderWay(Final) ? Final.Start : wire.NextStart);
        await TryAsync(() => wire.CommitAsync(wire.Ended(run, RunStatus.Failed, reason, term), cancellationToken));
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

    private async Task<bool> DoAsync(IReadOnlyList<CoordinatorAction> actions, CancellationToken cancellationToken)
    {
        if (!await hand!.DoAsync(actions, book, state!.Run, cancellationToken))
            isOver = true;
        return !isOver;
    }

    private void Tick()
    {
        // One tick in the queue is enough: a slow broker must not be answered by more work.
        if (Interlocked.Exchange(ref tickQueued, 1) == 0)
            commands.Post(new SeatCommand.Happened(new CoordinatorEvent.Tick(wire.Traffic)));
    }
}
