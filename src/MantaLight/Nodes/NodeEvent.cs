using MantaLight.Coordination;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>What the node's loop reads from its channel.</summary>
internal abstract record NodeEvent
{
    public sealed record Received(BrokerMessage Message) : NodeEvent;

    public sealed record ConnectionChanged(ConnectionStatus Status) : NodeEvent;

    public sealed record AttemptEnded(string Swarm, TaskUpdate Outcome) : NodeEvent;

    public sealed record ElectionHappened(string Swarm, CoordinatorSeat Seat, ElectionEvent Happening) : NodeEvent;

    /// <summary>A coordinator has nothing left to do; with the state that it left.</summary>
    public sealed record SeatLeft(string Swarm, CoordinatorSeat Seat, SwarmState? Final) : NodeEvent;

    /// <summary>A coordinator of this node coordinates no more; with what it had committed, or begun with.</summary>
    public sealed record SeatLost(string Swarm, SwarmState Final) : NodeEvent;

    /// <summary>A coordinator of this node has found a definition that the node had missed, on the broker or with a member; it is empty where that was a removal.</summary>
    public sealed record DefinitionFound(string Swarm, string InPlaceOf, byte[] Bytes, bool IsOnBroker) : NodeEvent;

    /// <summary>A coordinator of this node keeps a global's blob.</summary>
    public sealed record BlobKept(string Swarm, string Hash) : NodeEvent;

    /// <summary>The transfer of a result for a task to come has ended, however.</summary>
    public sealed record BroughtAhead(string Swarm, string Hash) : NodeEvent;

    /// <summary>Chunks that this node was to clear, since their swarm has gone, are off the broker.</summary>
    public sealed record ChunksCleared(string Swarm, string Hash) : NodeEvent;

    /// <summary>A member knows a later state than the coordinator of this node had begun with.</summary>
    public sealed record Recollected(string Swarm, Recollection Kept) : NodeEvent;

    public sealed record Tick : NodeEvent;
}
