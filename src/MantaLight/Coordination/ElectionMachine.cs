using System.Collections.Immutable;
using System.Globalization;

namespace MantaLight.Coordination;

/// <summary>
/// The election's rules, without I/O, clock or randomness. The broker admits one coordinator connection at a time; this
/// decides when to ask for it, which term to claim on it, when to act and when to stand down.
/// </summary>
internal static class ElectionMachine
{
    public static (ElectionState State, ImmutableArray<ElectionAction> Actions) Step(
        ElectionState state, ElectionEvent happening, DateTimeOffset now)
    {
        return happening switch
        {
            ElectionEvent.Wanted e => WantedChanged(state, e.Value, now),
            ElectionEvent.Candidates e => (state with { Candidates = e.Nodes }, []),
            ElectionEvent.ClaimSeen e => ClaimSeen(state, e.Claim, e.Released, now),
            ElectionEvent.TermSeen e => (state with { HighestTerm = Math.Max(state.HighestTerm, e.Term) }, []),
            ElectionEvent.BeatSeen e => BeatSeen(state, e.Claim, now),
            ElectionEvent.LostSeen e => LostSeen(state, e, now),
            ElectionEvent.NodeConnection e => NodeConnection(state, e.Connected, now),
            ElectionEvent.Opened => Opened(state, now),
            ElectionEvent.ClaimRead e => ClaimRead(state, e.Claim, now),
            ElectionEvent.StateRead e => StateRead(state, e.Term, now),
            ElectionEvent.ClaimCleared => (Vacate(state, now + state.Timing.Lost + state.RankDelay), []),
            ElectionEvent.ClaimGone when state.Role >= ElectionRole.Claiming => (state, [new ElectionAction.PublishClaim(state.Term)]),
            ElectionEvent.ClaimGone => (state, []),
            ElectionEvent.ConnectionLost => ConnectionLost(state, now),
            ElectionEvent.Tick => Tick(state, now),
            _ => throw new ArgumentOutOfRangeException(nameof(happening), happening, null),
        };
    }

    private static (ElectionState, ImmutableArray<ElectionAction>) WantedChanged(ElectionState state, bool wanted, DateTimeOffset now)
    {
        if (wanted == state.Wanted)
            return (state, []);
        state = state with { Wanted = wanted };
        if (wanted)
            return (Watch(state, now), []);
        var close = state.Role >= ElectionRole.Connecting
            // A seat that was not claimed is left without a word: the term is one of long ago.
            ? ImmutableArray.Create<ElectionAction>(new ElectionAction.CloseConnection(Graceful: true, state.Role >= ElectionRole.Claiming ? state.Term : 0))
            : [];
        return (state with { Role = ElectionRole.Idle, Due = null }, close);
    }

    private static (ElectionState, ImmutableArray<ElectionAction>) ClaimSeen(ElectionState state, Claim claim, bool released, DateTimeOffset now)
    {
        if (state.Outranks(claim))
            return (state, []);
        if (claim == state.Known)
            return (released ? Vacate(state, now + state.RankDelay) : state, []);
        state = state with { Known = claim, HighestTerm = Math.Max(state.HighestTerm, claim.Term), LastHeard = now, Vacant = released, Tries = 0 };
        if (state.Role >= ElectionRole.Connecting && !state.IsOwn(claim) && (claim.Term, claim.Node).CompareTo((state.Term, state.Node)) > 0)
            return StandDown(state, now);
        if (state.Role == ElectionRole.Watching)
            state = state with { Due = released ? now + state.Timing.First + state.RankDelay : null };
        return (state, []);
    }

    private static (ElectionState, ImmutableArray<ElectionAction>) BeatSeen(ElectionState state, Claim claim, DateTimeOffset now)
    {
        (state, var actions) = ClaimSeen(state, claim, released: false, now);
        if (claim == state.Known && !state.IsOwn(claim))
            state = state with { LastHeard = now, Vacant = false, Due = state.Role == ElectionRole.Watching ? null : state.Due };
        return (state, actions);
    }

    private static (ElectionState, ImmutableArray<ElectionAction>) LostSeen(ElectionState state, ElectionEvent.LostSeen lost, DateTimeOffset now)
    {
        // A will can be late, and name somebody who has long been succeeded.
        if (state.Known is not { } known || known.Node != lost.Node || known.Incarnation != lost.Incarnation || state.Role >= ElectionRole.Connecting)
            return (state, []);
        return (Vacate(state, now + (lost.Graceful ? TimeSpan.Zero : state.Timing.Lost) + state.RankDelay), []);
    }

    private static ElectionState Vacate(ElectionState state, DateTimeOffset due) => state.Role switch
    {
        ElectionRole.Watching => state with { Vacant = true, Due = state.Due is { } earlier && earlier < due ? earlier : due },
        ElectionRole.Idle => state with { Vacant = true },
        _ => state,
    };

    private static (ElectionState, ImmutableArray<ElectionAction>) NodeConnection(ElectionState state, bool connected, DateTimeOffset now)
    {
        state = state with { NodeConnected = connected };
        // What was not heard while this node was cut off proves nothing about the coordinator.
        if (connected && state.Role == ElectionRole.Watching)
            state = Watch(state with { LastHeard = now }, now);
        return (state, []);
    }

    private static (ElectionState, ImmutableArray<ElectionAction>) Opened(ElectionState state, DateTimeOffset now) =>
        state.Role == ElectionRole.Connecting
            ? (state with { Role = ElectionRole.Reading, Due = now + state.Timing.ReadBack }, [])
            : (state, []);

    private static (ElectionState, ImmutableArray<ElectionAction>) ClaimRead(ElectionState state, Claim claim, DateTimeOffset now)
    {
        switch (state.Role)
        {
            // Replayed messages may overtake the broker's answer to the subscription.
            case ElectionRole.Connecting:
                return (state with { HighestTerm = Math.Max(state.HighestTerm, claim.Term) }, []);
            case ElectionRole.Reading:
                state = state with { HighestTerm = Math.Max(state.HighestTerm, claim.Term) };
                return Announce(state, now);
            case ElectionRole.Claiming when state.IsOwn(claim) && claim.Term == state.Term:
                return (state with { Role = ElectionRole.Grace, Known = claim, Vacant = false, Due = now + state.Timing.Grace }, []);
            case ElectionRole.Claiming or ElectionRole.Grace or ElectionRole.Acting
                when !state.IsOwn(claim) && (claim.Term, claim.Node).CompareTo((state.Term, state.Node)) >= 0:
                return StandDown(state with { Known = claim, HighestTerm = Math.Max(state.HighestTerm, claim.Term), Vacant = false, LastHeard = now }, now);
            // A predecessor's last word that took its time: what is retained must name the term that was reached.
            case ElectionRole.Claiming or ElectionRole.Grace or ElectionRole.Acting when !state.IsOwn(claim):
                return (state, [new ElectionAction.PublishClaim(state.Term)]);
            default:
                return (state, []);
        }
    }

    private static (ElectionState, ImmutableArray<ElectionAction>) StateRead(ElectionState state, long term, DateTimeOffset now)
    {
        var isTooLate = state.Role is ElectionRole.Claiming or ElectionRole.Grace && term >= state.Term;
        state = state with { HighestTerm = Math.Max(state.HighestTerm, term) };
        return isTooLate ? Announce(state, now) : (state, []);
    }

    private static (ElectionState, ImmutableArray<ElectionAction>) ConnectionLost(ElectionState state, DateTimeOffset now) =>
        state.Role >= ElectionRole.Connecting ? StandDown(state, now) : (state, []);

    private static (ElectionState, ImmutableArray<ElectionAction>) Tick(ElectionState state, DateTimeOffset now)
    {
        switch (state.Role)
        {
            case ElectionRole.Watching when state.NodeConnected:
                var silence = state.Timing.MissedBeats * state.Timing.Beat;
                if (state.Due is null && now - state.LastHeard >= silence)
                    state = state with { Vacant = true, Due = now + state.RankDelay };
                if (state.Due is { } due && due <= now)
                    return (state with { Role = ElectionRole.Connecting, Due = null }, [new ElectionAction.OpenConnection()]);
                return (state, []);
            case ElectionRole.Reading when state.Due <= now:
                return Announce(state, now);
            case ElectionRole.Claiming when state.Due <= now:
                return StandDown(state, now);
            case ElectionRole.Grace when state.Due <= now:
                return (state with { Role = ElectionRole.Acting, Tries = 0, Due = null, NextBeat = now + state.Timing.Beat },
                    [new ElectionAction.Act(state.Term), new ElectionAction.PublishBeat(state.Term)]);
            case ElectionRole.Acting when state.NextBeat <= now:
                return (state with { NextBeat = now + state.Timing.Beat }, [new ElectionAction.PublishBeat(state.Term)]);
            default:
                return (state, []);
        }
    }

    private static (ElectionState, ImmutableArray<ElectionAction>) Announce(ElectionState state, DateTimeOffset now)
    {
        var term = state.HighestTerm + 1;
        return (state with { Role = ElectionRole.Claiming, Term = term, HighestTerm = term, Due = now + (10 * state.Timing.ReadBack) },
            [new ElectionAction.PublishClaim(term)]);
    }

    private static (ElectionState, ImmutableArray<ElectionAction>) StandDown(ElectionState state, DateTimeOffset now)
    {
        var close = new ElectionAction.CloseConnection(Graceful: false, state.Term);
        var held = state.Known is null || state.IsOwn(state.Known);
        state = state with { Role = state.Wanted ? ElectionRole.Watching : ElectionRole.Idle, LastHeard = now, Due = null };
        // Nobody else has claimed: try again, but never at once, or two nodes would push each other out for ever. Each
        // further try waits longer and elsewhere in time, until one of them is alone for as long as a claim takes.
        if (held && state.Wanted)
        {
            var tries = state.Tries + 1;
            var spread = Rendezvous.Hash(state.Node, state.Incarnation, state.Swarm, tries.ToString(CultureInfo.InvariantCulture)) % 4000 / 1000.0;
            state = state with { Vacant = true, Tries = tries, Due = now + (state.Timing.Retry * (1 << Math.Min(tries - 1, 4)) * (1 + spread)) };
        }
        return (state, [close]);
    }

    private static ElectionState Watch(ElectionState state, DateTimeOffset now)
    {
        state = state with { Role = ElectionRole.Watching, LastHeard = now };
        // An incumbent, even this node's own former self, is given the time of a silence; a vacant seat only one's rank.
        return state with { Due = state.Vacant || state.Known is null ? now + state.Timing.First + state.RankDelay : null };
    }
}
