using System.Collections.Immutable;
using MantaLight.Blobs;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>Reads the node's channel and hands each event to whom it concerns. Nothing that arrives can end it.</summary>
internal sealed class NodeLoop(AttemptServices node, SeatContext seats, Presence presence, ChunkInbox inbox, BlobServer server)
{
    private readonly SortedDictionary<string, Presence> members = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, SwarmMember> swarms = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CoordinatorClaim> claims = new(StringComparer.Ordinal);
    private readonly HashSet<string> complainedOf = [];
    private Exception? fatal;

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

    public async Task StopAsync() => await Task.WhenAll(swarms.Values.Select(s => s.DisposeAsync().AsTask()));

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
                Find(e.Swarm)?.AttemptEnded(e.Outcome);
                break;
            case NodeEvent.ElectionHappened e:
                Find(e.Swarm)?.ElectionHappened(e.Seat, e.Happening);
                break;
            case NodeEvent.SeatLeft e:
                Find(e.Swarm)?.SeatLeft(e.Seat, e.Final);
                break;
            case NodeEvent.Tick:
                ForEach(swarm => swarm.Tick());
                foreach (var (id, _) in swarms.Where(s => s.Value.IsForgettable).ToArray())
                    swarms.Remove(id);
                break;
        }
    }

    private void Receive(BrokerMessage message)
    {
        switch (node.Topics.Split(message.Topic))
        {
            case ["nodes", var id]:
                if (Read<Presence>(message) is { } seen && Check(message, seen.From == id, "a presence under another node's topic"))
                    PresenceSeen(seen);
                break;
            case ["nodes", _, "inbox"]:
                if (Read<ControlMessage>(message) is { } letter)
                    Open(message, letter);
                break;
            case ["swarms", var id]:
                Member(id).DefinitionSeen(message.Payload, message.Retained);
                break;
            case ["swarms", var id, "state"]:
                if (Read<SwarmState>(message) is { } state && Check(message, state.Swarm == id, "another swarm's state"))
                    Member(id).StateSeen(state);
                break;
            case ["swarms", var id, "control"]:
                if (Read<SwarmControl>(message) is { } control)
                    Find(id)?.ControlSeen(control);
                break;
            case ["swarms", var id, "coordinator"]:
                if (Read<CoordinatorClaim>(message) is { } claim && Check(message, Identifier.IsValid(claim.From) && Authority.IsTerm(claim.Term), "no node id, or no term"))
                    Claimed(id, claim);
                break;
            case ["swarms", var id, "coordinator", "beat"]:
                if (Read<CoordinatorBeat>(message) is { } beat && Check(message, Identifier.IsValid(beat.From) && Authority.IsTerm(beat.Term), "no node id, or no term"))
                    Find(id)?.BeatSeen(beat);
                break;
            case ["swarms", var id, "coordinator", "lost"]:
                if (Read<CoordinatorLost>(message) is { } lost)
                    Find(id)?.LostSeen(lost);
                break;
            case ["swarms", var id, "schedule", _]:
                if (Read<ScheduleAttempt>(message) is { } schedule && Check(message, IsSound(schedule), "a schedule message whose parts do not agree"))
                    Member(id).Scheduled(schedule);
                break;
            default:
                Drop(message.Topic, "not a topic of the protocol");
                break;
        }
    }

    private void Open(BrokerMessage message, ControlMessage letter)
    {
        switch (letter)
        {
            case AreYouThere:
                Announce();
                break;
            case RollCall call when Check(message, Identifier.IsValid(call.Swarm), "no swarm id"):
                Find(call.Swarm)?.RollCalled(call);
                break;
            case CancelAttempt cancel when Check(message, Identifier.IsValid(cancel.Swarm), "no swarm id"):
                Find(cancel.Swarm)?.Cancel(cancel);
                break;
            case BlobRequest request:
                server.Ask(request);
                break;
            case BlobRefusal refusal:
                inbox.Refuse(refusal.From, refusal.Hash, refusal.Reason);
                break;
            case not (RollCall or CancelAttempt):
                Drop(message.Topic, $"a {letter.GetType().Name} in an inbox");
                break;
        }
    }

    private void PresenceSeen(Presence seen)
    {
        if (seen.From == Id && seen.Incarnation != presence.Incarnation)
        {
            // A namesake that slipped through: the one that started first keeps the id.
            if (seen.Status == NodeStatus.Online && (seen.Started, seen.Incarnation).CompareTo((presence.Started, presence.Incarnation)) < 0 && IsLive(seen))
            {
                Log.NamesakeWins(seats.Logger, Id, seen.Incarnation);
                fatal = new NodeIdTakenException($"The node id '{Id}' is in use in cluster '{node.Settings.Cluster}' by a process that started earlier. Choose another with --id, or stop that one.");
                return;
            }
            Announce();
            return;
        }
        // Its own incarnation, but offline: a will that came late.
        if (seen.From == Id && seen.Status == NodeStatus.Offline)
        {
            Announce();
            return;
        }
        members[seen.From] = seen;
        var candidates = Candidates();
        ForEach(swarm => swarm.CandidatesChanged(candidates));
    }

    // What the broker replays may be a dead process's last word; only what was said after this one's start is a sign of life.
    private bool IsLive(Presence seen) => seen.Sent > presence.Started;

    private void ConnectionChanged(ConnectionStatus status)
    {
        if (status == ConnectionStatus.Lost)
            Log.ConnectionLost(seats.Logger);
        if (status == ConnectionStatus.Connected)
        {
            Log.ConnectionBack(seats.Logger);
            Announce();
        }
        if (status == ConnectionStatus.Closed)
            fatal = new BrokerConnectionLostException("The connection to the broker was closed for good.");
        ForEach(swarm => swarm.ConnectionChanged(status == ConnectionStatus.Connected));
    }

    private void Announce() => node.Outbox.Send(node.Topics.Presence(Id), presence, Delivery.AtLeastOnce, retain: true);

    // What goes wrong in one swarm is kept from the others.
    private void ForEach(Action<SwarmMember> action)
    {
        foreach (var (id, swarm) in swarms)
        {
            try
            {
                action(swarm);
            }
            catch (Exception e)
            {
                Log.EventFailed(seats.Logger, e, id);
            }
        }
    }

    private SwarmMember? Find(string id) => swarms.GetValueOrDefault(id);

    /// <summary>The node's part in a swarm; only what makes a swarm (its definition, state or a schedule) makes one.</summary>
    private SwarmMember Member(string id)
    {
        if (Find(id) is { } known)
            return known;
        var member = new SwarmMember(node, seats, id, () => [.. members.Values], hash => swarms.Values.Any(s => s.Needs(hash)));
        member.CandidatesChanged(Candidates());
        if (claims.Remove(id, out var claim))
            member.ClaimSeen(claim);
        return swarms[id] = member;
    }

    // A claim often comes before the definition; it is kept until then, as an incumbent must not be pushed out.
    private void Claimed(string id, CoordinatorClaim claim)
    {
        if (Find(id) is { } member)
            member.ClaimSeen(claim);
        else if (claims.Count < 1000 || claims.ContainsKey(id))
            claims[id] = claim;
    }

    private ImmutableSortedSet<string> Candidates() =>
        members.Values.Where(m => m.Status == NodeStatus.Online).Select(m => m.From).Append(Id).ToImmutableSortedSet(StringComparer.Ordinal);

    private static bool IsSound(ScheduleAttempt schedule) =>
        schedule.Globals.All(g => g.Content.IsSound()) && schedule.Inputs.All(i => Identifier.IsValid(i.Node) && i.Staged.Content.IsSound())
        && schedule.Globals.DistinctBy(g => g.Tag).Count() == schedule.Globals.Length && schedule.Attempt.Length is > 0 and <= 400
        && double.IsFinite(schedule.TimeoutSeconds) && schedule.Threads is >= 1 and <= 256;

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

    private void Drop(string topic, string problem)
    {
        Telemetry.Dropped.Add(1, new KeyValuePair<string, object?>("reason", "malformed"));
        // Once for each topic, and not for ever more topics: the log is not for an attacker to fill.
        if (complainedOf.Count < 1000 && complainedOf.Add(topic))
            Log.MessageDropped(seats.Logger, topic, problem);
    }
}
