using System.Buffers;
using System.Collections.Immutable;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>
/// A node's part in one swarm: what it knows of it, its attempts, its place in the election. Called by the node's loop
/// alone.
/// </summary>
internal sealed class SwarmMember : IAsyncDisposable
{
    private static readonly TimeSpan TellPause = TimeSpan.FromSeconds(1);

    private readonly AttemptServices node;
    private readonly string swarm;
    private readonly SwarmMemory memory;
    private readonly MemberAttempts attempts;
    private readonly Candidacy candidacy;
    private readonly Func<ImmutableArray<Presence>> present;
    private DateTimeOffset? told;
    private DateTimeOffset? tellAt;

    /// <param name="node">What the node's attempts share.</param>
    /// <param name="seats">What a coordinator needs.</param>
    /// <param name="swarm">The swarm.</param>
    /// <param name="present">The presences that the node knows.</param>
    /// <param name="isNeeded">Whether any swarm of the node needs a blob.</param>
    public SwarmMember(AttemptServices node, SeatContext seats, string swarm, Func<ImmutableArray<Presence>> present, Func<string, bool> isNeeded)
    {
        (this.node, this.swarm, this.present) = (node, swarm, present);
        memory = new SwarmMemory(node.Settings, node.Archive, swarm, node.Time, new LostGlobals(node.Store.Contains));
        attempts = new MemberAttempts(node, seats, swarm, memory, isNeeded);
        candidacy = new Candidacy(seats, swarm, memory, present);
    }

    /// <summary>Whether nothing is lost when the swarm is forgotten.</summary>
    public bool IsForgettable => memory.IsEmpty && attempts.IsEmpty && candidacy.IsIdle;

    public void DefinitionSeen(ReadOnlySequence<byte> payload, bool retained)
    {
        if (memory.DefinitionSeen(payload, retained) is { } end)
            candidacy.Tell(end);
        candidacy.Reconsider();
    }

    /// <summary>Takes a definition, or its removal, that this node has missed, and that its coordinator has found, on the broker or with a member, and begins with.</summary>
    public void DefinitionFound(string inPlaceOf, byte[] bytes, bool isOnBroker)
    {
        if (memory.DefinitionFound(inPlaceOf, bytes, isOnBroker))
            candidacy.Reconsider();
    }

    /// <summary>Takes up what an earlier process of this node knew of the swarm.</summary>
    public void Remember(RememberedSwarm remembered)
    {
        memory.Remember(remembered);
        if (memory.State is not { } state)
            return;
        candidacy.Elect(new ElectionEvent.TermSeen(state.Term));
        attempts.Follow(state.Run);
        foreach (var blob in state.Blobs())
            attempts.Keep(blob.Sha256);
    }

    /// <summary>Takes up what an earlier process of this node had completed.</summary>
    public void Restore(JournalEntry entry) => attempts.Restore(entry);

    public void StateSeen(SwarmState seen, bool isRetained)
    {
        if (!memory.StateSeen(seen, isRetained))
        {
            // Whoever begins with less authority than this node has seen cannot be obeyed, and should know why.
            TellInTurn();
            candidacy.Overwritten(seen);
            return;
        }
        candidacy.Elect(new ElectionEvent.TermSeen(seen.Term));
        // Whoever was cut off when the claim was taken away finds none.
        if (seen.Status == RunStatus.Removed && !memory.HasClaim)
            candidacy.Elect(new ElectionEvent.ClaimCleared());
        if (memory.Later is not null || memory.IsMiscounted)
            TellInTurn();
        else
            tellAt = null;
        attempts.StateSeen(seen, isRetained);
        candidacy.Reconsider();
    }

    /// <summary>Hears of a claim.</summary>
    /// <param name="seen">The claim.</param>
    /// <param name="since">When it came, where that is a while ago.</param>
    public void ClaimSeen(CoordinatorClaim seen, DateTimeOffset? since = null)
    {
        memory.ClaimSeen(since);
        var claim = new Claim(seen.Term, seen.From, seen.Incarnation);
        candidacy.Hear(claim, new ElectionEvent.ClaimSeen(claim, seen.Released));
    }

    public void ClaimCleared()
    {
        memory.ClaimCleared();
        candidacy.Elect(new ElectionEvent.ClaimCleared());
        candidacy.Reconsider();
    }

    public void BeatSeen(CoordinatorBeat seen)
    {
        var claim = new Claim(seen.Term, seen.From, seen.Incarnation);
        candidacy.Hear(claim, new ElectionEvent.BeatSeen(claim));
    }

    public void LostSeen(CoordinatorLost lost) => candidacy.Elect(new ElectionEvent.LostSeen(lost.From, lost.Incarnation, lost.Graceful));

    public void ControlSeen(SwarmControl control)
    {
        memory.ControlSeen(control.Action);
        // Its own subscription may not stand yet; twice the same request is one.
        candidacy.Offer(new CoordinatorEvent.ControlSeen(control.Action));
        candidacy.Reconsider();
    }

    public void Scheduled(ScheduleAttempt schedule) => attempts.Scheduled(schedule);

    public void AttemptEnded(TaskUpdate outcome) => attempts.Ended(outcome);

    public void Cancel(CancelAttempt cancel) => attempts.Cancel(cancel);

    public void BroughtAhead(string hash) => attempts.BroughtAhead(hash);

    public void FetchAhead(FetchAhead order) => attempts.FetchAhead(order);

    public void RollCalled(RollCall call) => attempts.RollCalled(call);

    /// <summary>Answers with what this node has kept, since the broker has lost it.</summary>
    public void Recalled() => Tell(memory.Later ?? memory.State);

    /// <summary>A member has kept a later state than this node's coordinator had begun with: it begins again.</summary>
    public void Recollected(SwarmState kept)
    {
        // Who has seen that authority obeys only a higher one.
        var isLater = kept.Definition == memory.Book?.Hash && memory.Adopt(kept);
        if (!isLater && memory.State is { } own && Authority.Compare(kept, own.Term, own.From) <= 0)
            return;
        candidacy.Elect(new ElectionEvent.TermSeen(kept.Term));
        candidacy.Elect(new ElectionEvent.ConnectionLost());
    }

    public void ChunksCleared(string hash) => attempts.ChunksCleared(hash);

    /// <summary>A coordinator of this node keeps a global.</summary>
    public void Keep(string hash) => attempts.Keep(hash);

    public void ElectionHappened(CoordinatorSeat from, ElectionEvent happening)
    {
        // The last words of a seat that was given up concern nobody.
        if (candidacy.Holds(from))
            candidacy.Elect(happening);
    }

    public void SeatLeft(CoordinatorSeat from, SwarmState? final)
    {
        if (!candidacy.Holds(from))
            return;
        memory.Concluded(final);
        // What a coordinator of this node has found on the broker may never have come to the node itself.
        if (final is not null && memory.State is { } concluded)
            attempts.StateSeen(concluded);
        candidacy.Elect(new ElectionEvent.Wanted(false));
        if (final?.Status == RunStatus.Removed)
            candidacy.Elect(new ElectionEvent.ClaimCleared());
        candidacy.Reconsider();
    }

    /// <summary>What a coordinator of this node had committed is known, also where its echo never comes.</summary>
    public void SeatLost(SwarmState final)
    {
        if (final.Definition == memory.Book?.Hash && !final.Status.IsRemoval() && final.Status != RunStatus.Superseded)
            memory.Adopt(final);
    }

    public void ConnectionChanged(bool connected)
    {
        memory.ConnectionChanged(connected);
        candidacy.Elect(new ElectionEvent.NodeConnection(connected));
    }

    public void CandidatesChanged(ImmutableSortedSet<string> nodes) => candidacy.Elect(new ElectionEvent.Candidates(nodes));

    public void Tick()
    {
        TellWhenDue();
        memory.Tick();
        attempts.Tick();
        candidacy.Reconsider();
        candidacy.Elect(new ElectionEvent.Tick());
    }

    /// <summary>Of very many nodes some say at once what they know, and others after them only where that has not helped.</summary>
    private void TellInTurn()
    {
        if (tellAt is null)
        {
            string[] nodes = [.. present().Where(p => p.Status == NodeStatus.Online).Select(p => p.From)];
            var turn = nodes.Length <= ScheduleWindow.Size ? 0 : Rendezvous.Rank(swarm, node.Settings.Id, nodes) / ScheduleWindow.Size;
            tellAt = node.Time.SteadyNow() + TimeSpan.FromSeconds(turn);
        }
        TellWhenDue();
    }

    private void TellWhenDue()
    {
        var now = node.Time.SteadyNow();
        if (tellAt is not { } due || due > now)
            return;
        tellAt = null;
        if (now - told < TellPause)
            return;
        told = now;
        Tell(memory.Later ?? memory.State);
    }

    private void Tell(SwarmState? known)
    {
        if (known is not null || memory.Book is not null)
            node.Outbox.Send(node.Topics.Tasks(swarm, node.Settings.Id), new Recollection { Swarm = swarm, Definition = memory.Book is { Removing: false } book ? book.Text : null, State = known });
    }

    /// <summary>Whether the swarm needs a blob of the node's store.</summary>
    public bool Needs(string hash) => attempts.Needs(hash);

    /// <summary>Gives up the coordinator's seat with a goodbye; cancels what runs, waits for it and reports it.</summary>
    public async ValueTask DisposeAsync()
    {
        await candidacy.DisposeAsync();
        await attempts.StopAsync();
    }
}
