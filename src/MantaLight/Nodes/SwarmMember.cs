using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography;
using MantaLight.Blobs;
using MantaLight.Coordination;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Nodes;

/// <summary>
/// A node's part in one swarm: its view of definition and state, its attempts, its place in the election. Called by the
/// node's loop alone.
/// </summary>
internal sealed class SwarmMember(AttemptServices node, SeatContext seats, string swarm, Func<ImmutableArray<Presence>> present) : IAsyncDisposable
{
    private static readonly TimeSpan Resend = TimeSpan.FromSeconds(3);

    private readonly AttemptBook attempts = new();
    private readonly Authority authority = new();
    private readonly HashSet<BlobRef> published = [];
    private ElectionState election = new()
    {
        Swarm = swarm, Node = node.Settings.Id, Incarnation = seats.Stamp.Incarnation, Timing = node.Settings.Election,
    };

    private SwarmBook? book;
    private SwarmState? state;
    private int? restartAfter;
    private CoordinatorSeat? seat;
    private DateTimeOffset now;

    private string Id => node.Settings.Id;

    public void DefinitionSeen(ReadOnlySequence<byte> payload, bool retained)
    {
        if (payload.IsEmpty)
        {
            // An absent retained message is never delivered: this is the owner's removal.
            if (!retained && book is { Removing: false })
            {
                book = book with { Removing = true };
                seat?.Post(new SeatCommand.Happened(new CoordinatorEvent.RunEnded(RunStatus.Removed, "its definition was removed")));
            }
        }
        else if (Read(payload) is var read && (read.Hash != book?.Hash || book.Removing))
        {
            if (book is not null && book.Hash != read.Hash)
                seat?.Post(new SeatCommand.Happened(new CoordinatorEvent.RunEnded(RunStatus.Superseded, "another definition was published")));
            book = read;
        }
        Reconsider();
    }

    public void StateSeen(SwarmState seen)
    {
        if (!authority.Accepts(seen))
            return;
        state = seen;
        foreach (var attempt in attempts.All.Where(a => a.Schedule.Run == seen.Run ? seen.Status.IsFinal() : a.Schedule.Term < seen.Term))
            attempt.Cancel($"run {seen.Run} is {seen.Status}");
        Forget(seen);
        Reconsider();
    }

    public void ClaimSeen(CoordinatorClaim claim) =>
        Elect(new ElectionEvent.ClaimSeen(new Claim(claim.Term, claim.From, claim.Incarnation), claim.Released));

    public void BeatSeen(CoordinatorBeat beat) => Elect(new ElectionEvent.BeatSeen(new Claim(beat.Term, beat.From, beat.Incarnation)));

    public void LostSeen(CoordinatorLost lost) => Elect(new ElectionEvent.LostSeen(lost.From, lost.Incarnation, lost.Graceful));

    public void ControlSeen(SwarmControl control)
    {
        if (control.Action == SwarmAction.Start && state is not null && state.Status.IsFinal())
        {
            restartAfter = state.Start;
            Reconsider();
        }
    }

    public void Scheduled(ScheduleAttempt schedule)
    {
        if (!authority.Accepts(schedule) || !Identifier.IsValid(schedule.Alias))
            return;
        if (attempts.Find(schedule) is { } known)
        {
            if (schedule.Number > known.Schedule.Number)
            {
                if (known.Outcome is TaskCompleted done)
                {
                    // The same task, round and seed have been computed: a retry is answered by the record that there is.
                    known.Schedule = schedule;
                    known.Outcome = done with { Attempt = schedule.Attempt };
                    Say(known);
                    return;
                }
                known.Cancel($"attempt {schedule.Number} takes its place");
                attempts.Take(a => a == known);
            }
            else
            {
                Say(known);
                return;
            }
        }
        var runner = new AttemptRunner(node, swarm, schedule);
        var attempt = new NodeAttempt(schedule, runner);
        attempts.Put(attempt);
        Say(attempt);
        attempt.Running = Task.Run(async () =>
        {
            var outcome = await runner.RunAsync(() => attempt.CancelReason, attempt.Cancelled);
            seats.Post(new NodeEvent.AttemptEnded(swarm, outcome));
        });
    }

    public void AttemptEnded(TaskUpdate outcome)
    {
        if (attempts.Find(outcome.Attempt) is not { } attempt)
            return;
        if (outcome is TaskCompleted completed)
        {
            published.UnionWith(attempt.Runner.Published);
            foreach (var result in completed.Results)
            {
                node.Outbox.Send(node.Topics.Result(swarm, Id, result.Tag), new ResultValue
                {
                    Run = completed.Run, Round = completed.Round, Alias = completed.Alias, Tag = result.Tag, Samples = result.Samples, Content = result.Content,
                });
            }
        }
        attempt.Outcome = outcome;
        Say(attempt);
    }

    public void Cancel(CancelAttempt cancel)
    {
        if (authority.Accepts(cancel))
            attempts.Find(cancel.Attempt)?.Cancel(cancel.Reason);
    }

    public void RollCalled(RollCall call)
    {
        if (!authority.Accepts(call))
            return;
        foreach (var attempt in attempts.All.Where(a => a.Schedule.Run == call.Run))
            Say(attempt);
    }

    public void ElectionHappened(CoordinatorSeat from, ElectionEvent happening)
    {
        // The last words of a seat that was given up concern nobody.
        if (from == seat)
            Elect(happening);
    }

    public void SeatLeft(CoordinatorSeat from, SwarmState? final)
    {
        if (from != seat)
            return;
        if (final is not null && authority.Accepts(final))
            state = final;
        if (book is { Removing: true })
            book = null;
        Elect(new ElectionEvent.Wanted(false));
        Reconsider();
    }

    public void ConnectionChanged(bool connected) => Elect(new ElectionEvent.NodeConnection(connected));

    public void CandidatesChanged(ImmutableSortedSet<string> nodes) => Elect(new ElectionEvent.Candidates(nodes));

    public void Tick()
    {
        now = node.Time.GetUtcNow();
        foreach (var attempt in attempts.All.Where(a => a.Outcome is not null && !IsSettled(a) && now - a.LastSent >= Resend))
            Say(attempt);
        Elect(new ElectionEvent.Tick());
    }

    /// <summary>Cancels what runs, waits for it, and gives up the coordinator's seat with a goodbye.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var attempt in attempts.All)
            attempt.Cancel("the node is stopping");
        Elect(new ElectionEvent.Wanted(false));
        await Task.WhenAll(attempts.All.Select(a => a.Running)).WaitAsync(TimeSpan.FromSeconds(10), node.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (seat is not null)
            await seat.DisposeAsync();
    }

    /// <summary>The module that the definition names, where it could be read.</summary>
    public string? Module => book?.Definition?.Module;

    private void Say(NodeAttempt attempt)
    {
        attempt.LastSent = node.Time.GetUtcNow();
        var update = attempt.Outcome ?? new TaskAccepted
        {
            Run = attempt.Schedule.Run, Round = attempt.Schedule.Round, Alias = attempt.Schedule.Alias, Attempt = attempt.Schedule.Attempt,
        };
        node.Outbox.Send(node.Topics.Tasks(swarm, Id), update with { BytesSent = node.Connection.Traffic.Sent, BytesReceived = node.Connection.Traffic.Received });
    }

    /// <summary>Whether the commit of the attempt, or of a state beyond it, has been seen.</summary>
    private bool IsSettled(NodeAttempt attempt)
    {
        if (state is null || state.Run != attempt.Schedule.Run)
            return state is not null && state.Term > attempt.Schedule.Term;
        return state.Status.IsFinal() || state.Round > attempt.Schedule.Round
            || state.Tasks.Any(t => t.Alias == attempt.Schedule.Alias && t.Phase is TaskPhase.Committed or TaskPhase.Skipped);
    }

    /// <summary>Drops what the committed state no longer needs: records, staged blobs, and chunks of globals that were never committed.</summary>
    private void Forget(SwarmState seen)
    {
        var gone = attempts.Take(a => a.Outcome is not null && (a.Schedule.Run != seen.Run || seen.Status.IsFinal() || a.Schedule.Round < seen.Round - 1));
        if (gone.Count == 0)
            return;
        var needed = seen.Globals.Select(g => g.Content.Blob?.Sha256).Concat(attempts.All.SelectMany(a => a.Runner.Touched)).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var attempt in gone)
        {
            foreach (var hash in attempt.Runner.Touched.Where(h => !needed.Contains(h)))
                node.Store.Delete(hash);
            attempt.Dispose();
        }
        // What became a global is cleared by its coordinator when it is replaced; what never did is this node's to clear.
        foreach (var blob in published.Where(b => !needed.Contains(b.Sha256)).ToArray())
        {
            published.Remove(blob);
            if (gone.Any(a => a.Runner.Published.Contains(blob)) && !WasCommitted(seen, blob))
                ClearChunks(blob);
        }
    }

    private static bool WasCommitted(SwarmState seen, BlobRef blob) => seen.History.Any(h => h.GlobalSha256 == blob.Sha256);

    private void ClearChunks(BlobRef blob)
    {
        for (var chunk = 0; chunk < blob.ChunkCount; chunk++)
            node.Outbox.Clear(node.Topics.SwarmBlob(swarm, blob.Sha256, chunk));
    }

    private SwarmBook Read(ReadOnlySequence<byte> payload)
    {
        var bytes = payload.ToArray();
        try
        {
            var definition = SwarmJson.Parse(bytes);
            if (node.Settings.Modules.TryGetValue(definition.Module, out var catalog))
                SwarmValidator.Check(definition, catalog);
            return new SwarmBook(SwarmJson.HashOf(definition), definition, null, null, Removing: false);
        }
        catch (Exception e)
        {
            // Whatever is wrong with it is told in the state, not only to this node's log.
            return new SwarmBook(Convert.ToHexStringLower(SHA256.HashData(bytes)), null, e.Message, null, Removing: false);
        }
    }

    /// <summary>Whether there is something to coordinate, as far as this node can tell.</summary>
    private void Reconsider()
    {
        var wanted = book is not null && (book.Removing
            ? state is not null && state.Status != RunStatus.Removed
            : state is null || state.Definition != book.Hash || !state.Status.IsFinal() || state.Status == RunStatus.Removed || restartAfter == state.Start);
        // An acting coordinator ends its run itself, with a committed state.
        if (!wanted && election.Role == ElectionRole.Acting)
            return;
        Elect(new ElectionEvent.Wanted(wanted));
    }

    private void Elect(ElectionEvent happening)
    {
        now = node.Time.GetUtcNow();
        (election, var actions) = ElectionMachine.Step(election, happening, now);
        foreach (var action in actions)
        {
            switch (action)
            {
                case ElectionAction.OpenConnection when book is not null:
                    Retire();
                    seat = new CoordinatorSeat(seats, swarm, book with { RestartAfter = restartAfter });
                    break;
                case ElectionAction.PublishClaim a:
                    seat?.Post(new SeatCommand.Claim(a.Term));
                    break;
                case ElectionAction.PublishBeat a:
                    seat?.Post(new SeatCommand.Beat(a.Term));
                    break;
                case ElectionAction.Act a:
                    seat?.Post(new SeatCommand.Act(a.Term, present()));
                    break;
                case ElectionAction.CloseConnection a:
                    if (a.Graceful)
                        seat?.Post(new SeatCommand.Goodbye(a.Term));
                    Retire();
                    break;
            }
        }
    }

    private void Retire()
    {
        var old = seat;
        seat = null;
        if (old is not null)
            seats.Supervise(old.DisposeAsync().AsTask());
    }
}
