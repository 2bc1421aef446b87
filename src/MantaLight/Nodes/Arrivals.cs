using System.Collections.Concurrent;
using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>
/// Who is there, by the latest word of each: what nodes say now counts more than what a coordinator's loop, which may be waiting for them, has come to.
/// Written by the wire, read by whoever looks for a global.
/// </summary>
internal sealed class Arrivals
{
    private readonly ConcurrentDictionary<string, NodeStatus> nodes = new(StringComparer.Ordinal);

    /// <summary>Notes a presence. Of one node too many the loop's own table tells, and the node's.</summary>
    public void Note(Presence presence)
    {
        if (nodes.ContainsKey(presence.From) || nodes.Count < MemberTable.Capacity)
            nodes[presence.From] = presence.Status;
    }

    /// <summary>Those who are there, of all that are known here or to the coordinator, in ordinal order.</summary>
    /// <param name="state">What the coordinator has come to; null where it coordinates no run.</param>
    public IReadOnlyCollection<string> Online(CoordinatorState? state)
    {
        IEnumerable<string> known = state is null ? nodes.Keys : state.Members.Keys.Union(nodes.Keys);
        return [.. known.Where(node => IsOnline(state, node)).Order(StringComparer.Ordinal)];
    }

    private bool IsOnline(CoordinatorState? state, string node) => nodes.TryGetValue(node, out var status)
        ? status == NodeStatus.Online
        : state is not null && state.Members.TryGetValue(node, out var member) && member.Online;
}
