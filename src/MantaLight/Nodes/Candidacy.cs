using System.Collections.Immutable;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>A node's place in the election of one swarm, and the coordinator's seat while it holds it.</summary>
internal sealed class Candidacy(SeatContext seats, string swarm, SwarmMemory memory, Func<ImmutableArray<Presence>> present) : IAsyncDisposable
{
    private ElectionState election = new()
    {
        Swarm = swarm, Node = seats.Settings.Id, Incarnation = seats.Stamp.Incarnation, Timing = seats.Settings.Election,
    };

    private readonly VacancyLog vacancy = new(seats.Logger, swarm);
    private CoordinatorSeat? seat;
    private string? failure;

    // Whether anybody has coordinated this swarm since this process began.
    private bool hasSeenLife;

    /// <summary>Whether neither this node nor another holds the seat or wants it.</summary>
    public bool IsIdle => election.Role == ElectionRole.Idle && seat is null && (election.Vacant || !memory.HasClaim);

    public bool Holds(CoordinatorSeat held) => held == seat;

    /// <summary>Tells the coordinator, where this node is it; what comes before it acts is in what it begins with.</summary>
    public void Tell(CoordinatorEvent happening) => seat?.Post(new SeatCommand.Happened(happening));

    /// <summary>The same for what comes from the wire, of which only so much may wait.</summary>
    public void Offer(CoordinatorEvent happening) => seat?.Offer(new SeatCommand.Happened(happening));

    /// <summary>A state of a lower authority came: where this node coordinates, its own is put in its place.</summary>
    public void Overwritten(SwarmState lower)
    {
        if (election.Role == ElectionRole.Acting && lower.Term < election.Term)
            Offer(new CoordinatorEvent.StateOverwritten());
    }

    /// <summary>A claim, or a beat, from the wire.</summary>
    public void Hear(Claim claim, ElectionEvent happening)
    {
        if (election.Outranks(claim))
            Telemetry.Drop(Telemetry.LowerAuthority);
        hasSeenLife |= happening is ElectionEvent.BeatSeen;
        Elect(happening);
    }

    /// <summary>Stands where there is something to coordinate, and no longer where there is not.</summary>
    public void Reconsider()
    {
        var wanted = memory.IsWanted && !IsHeldBack();
        // An acting coordinator ends its run itself, with a committed state.
        if (!wanted && election.Role == ElectionRole.Acting)
            return;
        Elect(new ElectionEvent.Wanted(wanted));
    }

    public void Elect(ElectionEvent happening)
    {
        (election, var actions) = ElectionMachine.Step(election, happening, seats.Time.SteadyNow());
        foreach (var action in actions)
        {
            switch (action)
            {
                case ElectionAction.OpenConnection:
                    Retire();
                    seat = new CoordinatorSeat(seats, swarm);
                    break;
                case ElectionAction.PublishClaim a:
                    seat?.Post(new SeatCommand.Claim(a.Term));
                    break;
                case ElectionAction.PublishBeat a:
                    seat?.Post(new SeatCommand.Beat(a.Term));
                    break;
                case ElectionAction.Act a when memory.Book is { } book:
                    // The newest of everything: much may have happened since the seat was opened.
                    seat?.Post(new SeatCommand.Act(a.Term, present(), book, memory.Later ?? memory.State, memory.Word, IsCold: !hasSeenLife));
                    break;
                case ElectionAction.CloseConnection a:
                    if (a.Graceful)
                        seat?.Post(new SeatCommand.Goodbye(a.Term));
                    Retire();
                    break;
            }
        }
        // A will may be of somebody who died before this process began; a goodbye is said by the living.
        hasSeenLife |= election.Role == ElectionRole.Acting || happening is ElectionEvent.LostSeen { Graceful: true };
        Watch(happening);
    }

    /// <summary>Gives up the seat with a goodbye, which the supervisor waits for.</summary>
    public ValueTask DisposeAsync()
    {
        Elect(new ElectionEvent.Wanted(false));
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// A definition that only this node's module does not fit is not this node's to refuse while others have the module:
    /// never while it runs, and else not before they have had the time to begin it.
    /// </summary>
    private bool IsHeldBack()
    {
        if (memory.Book is not { IsLocalProblem: true, Definition: { } definition, Removing: false } book)
            return false;
        if (!present().Any(p => p.Status == NodeStatus.Online && p.From != seats.Settings.Id && p.Modules.Contains(definition.Module, StringComparer.Ordinal)))
            return false;
        if (memory.State is { } state && state.Definition == book.Hash && !state.Status.IsFinal())
            return true;
        var timing = seats.Settings.Election;
        return seats.Time.SteadyNow() - memory.Since < (timing.MissedBeats * timing.Beat) + (election.Candidates.Count * timing.Rank);
    }

    private void Watch(ElectionEvent happening)
    {
        if (election.Role == ElectionRole.Acting)
        {
            failure = null;
            vacancy.Taken(election.Node, election.Term);
        }
        else if (happening is ElectionEvent.BeatSeen beat && beat.Claim == election.Known)
        {
            vacancy.Taken(beat.Claim.Node, beat.Claim.Term);
        }
        else if (happening is ElectionEvent.Tick)
        {
            vacancy.Look(memory.IsWanted, election, failure, seats.Time.SteadyNow());
        }
    }

    private void Retire()
    {
        var old = seat;
        seat = null;
        if (old is null)
            return;
        failure = old.Problem ?? failure;
        seats.Supervise(old.DisposeAsync().AsTask());
    }
}
