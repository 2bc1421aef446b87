using System.Collections.Immutable;

namespace MantaLight.Coordination;

/// <summary>Bytes of the run: what the members' counters have grown by, and the coordinator connection's own.</summary>
internal sealed record Traffic
{
    public ImmutableSortedDictionary<string, NodeCounter> Nodes { get; init; } = CoordinatorState.Ordered<NodeCounter>();

    public Flow Coordinator { get; init; }

    /// <summary>What earlier coordinators had counted.</summary>
    public Flow Inherited { get; init; }

    /// <summary>The total when the round began.</summary>
    public Flow AtRoundStart { get; init; }

    /// <summary>What all members' counters have grown by.</summary>
    public Flow Members { get; init; }

    public Flow Total => Coordinator + Inherited + Members;

    /// <summary>A member's word of its counters; those of a new incarnation begin anew.</summary>
    public Traffic Note(string node, string incarnation, Flow read)
    {
        var before = Nodes.GetValueOrDefault(node);
        var more = before?.Incarnation == incarnation ? new Flow(Math.Max(0, read.Up - before.Read.Up), Math.Max(0, read.Down - before.Read.Down)) : default;
        return this with { Nodes = Nodes.SetItem(node, new NodeCounter(incarnation, read)), Members = Members + more };
    }
}

/// <summary>One member's counters, as last read.</summary>
internal sealed record NodeCounter(string Incarnation, Flow Read);

internal readonly record struct Flow(long Up, long Down)
{
    public static Flow operator +(Flow a, Flow b) => new(a.Up + b.Up, a.Down + b.Down);

    public static Flow operator -(Flow a, Flow b) => new(a.Up - b.Up, a.Down - b.Down);
}
