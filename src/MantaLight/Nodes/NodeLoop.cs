using System.Collections.Immutable;
using MantaLight.Blobs;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>Reads the node's channel and hands each event to whom it concerns. Nothing that arrives can end it.</summary>
internal sealed class NodeLoop
{
    private readonly AttemptServices node;
    private readonly SeatContext seats;
    private readonly Presence presence;
    private readonly Letters letters;
    private readonly MemberTable members;
    private readonly SwarmTable swarms;
    private readonly CensusAnswers census;
    private readonly NamesakeWatch namesake;
    private Exception? fatal;

    public NodeLoop(AttemptServices node, SeatContext seats, Presence presence, ChunkInbox inbox, BlobServer server)
    {
        this.node = node;
        this.seats = seats;
        this.presence = presence;
        namesake = new NamesakeWatch(node.Settings.NamesakePatience / 2, node.Time);
        census = new CensusAnswers(node.Settings, node.Outbox, presence, seats.Drops, node.Time);
        members = new MemberTable(Id, seats.Drops);
        swarms = new SwarmTable(node, seats, members);
        letters = new Letters(swarms, server, inbox, seats.Drops, question => Announce(answers: question));
    }

    private string Id => node.Settings.Id;

    public async Task RunAsync(IAsyncEnumerable<NodeEvent> events, CancellationToken cancellationToken)
    {
        await foreach (var happening in events.WithCancellation(cancellationToken))
        {
            try
            {
                Handle(happening);
            }
            catch (Exception e)
            {
                Log.EventFailed(seats.Logger, e, happening is NodeEvent.Received r ? r.Message.Topic : happening.GetType().Name);
            }
            if (fatal is not null)
                throw fatal;
        }
    }

    /// <summary>Takes up what an earlier process of this node had kept; before anything else happens.</summary>
    public void Restore(ImmutableArray<RememberedSwarm> remembered, IReadOnlyList<JournalEntry> journal) => swarms.Restore(remembered, journal);

    public Task StopAsync() => swarms.StopAsync();

    private void Handle(NodeEvent happening)
    {
        switch (happening)
        {
            case NodeEvent.Received e:
                Receive(e.Message);
                break;
            case NodeEvent.ConnectionChanged e:
                ConnectionChanged(e.Status);
                break;
            case NodeEvent.AttemptEnded e:
                swarms.Find(e.Swarm)?.AttemptEnded(e.Outcome);
                break;
            case NodeEvent.ElectionHappened e:
                swarms.Find(e.Swarm)?.ElectionHappened(e.Seat, e.Happening);
                break;
            case NodeEvent.SeatLeft e:
                swarms.Find(e.Swarm)?.SeatLeft(e.Seat, e.Final);
                break;
            case NodeEvent.SeatLost e:
                swarms.Find(e.Swarm)?.SeatLost(e.Final);
                break;
            case NodeEvent.DefinitionFound e:
                swarms.Find(e.Swarm)?.DefinitionFound(e.InPlaceOf, e.Bytes, e.IsOnBroker);
                break;
            case NodeEvent.BlobKept e:
                swarms.Find(e.Swarm)?.Keep(e.Hash);
                break;
            case NodeEvent.BroughtAhead e:
                swarms.Find(e.Swarm)?.BroughtAhead(e.Hash);
                break;
            case NodeEvent.ChunksCleared e:
                swarms.Find(e.Swarm)?.ChunksCleared(e.Hash);
                break;
            case NodeEvent.Recollected e:
                swarms.Find(e.Swarm)?.Recollected(e.Kept.State!);
                break;
            case NodeEvent.Tick:
                Contradict();
                census.Tick();
                swarms.ForEach(swarm => swarm.Tick());
                swarms.Tidy();
                break;
        }
    }

    private void Receive(BrokerMessage message)
    {
        switch (node.Topics.Split(message.Topic))
        {
            case ["nodes", var id]:
                if (Read<Presence>(message) is { } seen && Check(message, seen.From == id, "a presence under another node's topic"))
                    PresenceSeen(seen, message.Retained);
                break;
            case ["nodes", _, "inbox"]:
                if (Read<ControlMessage>(message) is { } letter)
                    letters.Open(message.Topic, letter);
                break;
            case ["swarms", var id]:
                // A removal of what this node does not know makes no swarm.
                (message.Payload.IsEmpty ? swarms.Find(id) : swarms.Get(id))?.DefinitionSeen(message.Payload, message.Retained);
                break;
            case ["swarms", var id, "state"]:
                if (Read<SwarmState>(message) is { } state && Check(message, state.Swarm == id && state.IsSound() && Authority.IsTerm(state.Term), "another swarm's state, or one whose parts cannot be"))
                    swarms.Get(id)?.StateSeen(state, message.Retained);
                break;
            case ["swarms", var id, "control"]:
                if (Read<SwarmControl>(message) is { } control)
                    swarms.Find(id)?.ControlSeen(control);
                break;
            case ["swarms", var id, "coordinator"] when message.Payload.IsEmpty:
                swarms.ClaimCleared(id);
                break;
            case ["swarms", var id, "coordinator"]:
                if (Read<CoordinatorClaim>(message) is { } claim && Check(message, Identifier.IsValid(claim.From) && Authority.IsTerm(claim.Term), "no node id, or no term"))
                    swarms.Claimed(id, claim);
                break;
            case ["swarms", var id, "coordinator", "beat"]:
                if (Read<CoordinatorBeat>(message) is { } beat && Check(message, Identifier.IsValid(beat.From) && Authority.IsTerm(beat.Term), "no node id, or no term"))
                    swarms.Find(id)?.BeatSeen(beat);
                break;
            case ["swarms", var id, "coordinator", "lost"]:
                if (Read<CoordinatorLost>(message) is { } lost)
                    swarms.Find(id)?.LostSeen(lost);
                break;
            case ["swarms", var id, "coordinator", "census"]:
                if (Read<WhoIsThere>(message) is { } question)
                    census.Asked(id, question);
                break;
            case ["swarms", var id, "schedule", _]:
                if (Read<ScheduleAttempt>(message) is { } schedule && Check(message, schedule.IsSound(), "a schedule message whose parts do not agree"))
                    swarms.Get(id)?.Scheduled(schedule);
                break;
            default:
                Drop(message.Topic, "not a topic of the protocol");
                break;
        }
    }

    private void PresenceSeen(Presence seen, bool retained)
    {
        if (seen.From == Id && seen.Incarnation != presence.Incarnation)
        {
            // A namesake that slipped through: the one that started first keeps the id.
            if (namesake.IsLive(seen, retained) && (seen.Started, seen.Incarnation).CompareTo((presence.Started, presence.Incarnation)) < 0)
            {
                Log.NamesakeWins(seats.Logger, Id, seen.Incarnation);
                fatal = new NodeIdTakenException($"The node id '{Id}' is in use in cluster '{node.Settings.Cluster}' by a process that started earlier. Choose another with --id, or stop that one.");
                return;
            }
            Contradict();
            return;
        }
        // Its own incarnation, but offline: a will that came late.
        if (seen.From == Id && seen.Status == NodeStatus.Offline)
        {
            Announce();
            return;
        }
        if (members.See(seen))
            swarms.ForEach(swarm => swarm.CandidatesChanged(members.Candidates));
    }

    private void Contradict()
    {
        if (namesake.Contradicts())
            Announce();
    }

    private void ConnectionChanged(ConnectionStatus status)
    {
        if (status == ConnectionStatus.Lost)
        {
            Log.ConnectionLost(seats.Logger);
            swarms.ConnectionLost();
        }
        if (status == ConnectionStatus.Connected)
        {
            Log.ConnectionBack(seats.Logger);
            Announce();
        }
        if (status == ConnectionStatus.Closed)
            fatal = new BrokerConnectionLostException("The connection to the broker was closed for good.");
        swarms.ForEach(swarm => swarm.ConnectionChanged(status == ConnectionStatus.Connected));
    }

    private void Announce(string? answers = null) =>
        node.Outbox.Send(node.Topics.Presence(Id), presence with { Answers = answers }, Delivery.AtLeastOnce, retain: true);

    private T? Read<T>(BrokerMessage message)
        where T : ControlMessage
    {
        // An empty payload is how retained messages are removed.
        if (message.Payload.IsEmpty)
            return null;
        var read = ProtocolJson.Read<T>(message.Payload, out var problem);
        if (read is null)
            Drop(message.Topic, problem!);
        return read;
    }

    private bool Check(BrokerMessage message, bool holds, string problem)
    {
        if (!holds)
            Drop(message.Topic, problem);
        return holds;
    }

    private void Drop(string topic, string problem) => seats.Drops.Malformed(topic, problem);
}
