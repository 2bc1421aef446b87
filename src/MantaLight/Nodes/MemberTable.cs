using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>The nodes that this one knows of, with what they last said of themselves.</summary>
internal sealed class MemberTable(string self, Drops drops, int capacity = MemberTable.Capacity)
{
    /// <summary>How many nodes a node, or a coordinator, knows of.</summary>
    public const int Capacity = 10_000;

    private readonly SortedDictionary<string, Presence> members = new(StringComparer.Ordinal);

    /// <summary>Those who may coordinate: the nodes that are there, this one among them.</summary>
    public ImmutableSortedSet<string> Candidates { get; private set; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal, self);

    public ImmutableArray<Presence> All => [.. members.Values];

    /// <summary>Whether a node has its place among those that are known, or may have one; noted where not.</summary>
    public static bool Admits<T>(IReadOnlyDictionary<string, T> known, string node, Drops drops, int capacity = Capacity)
    {
        if (known.Count < capacity || known.ContainsKey(node))
            return true;
        drops.Beyond("members full", string.Create(CultureInfo.InvariantCulture, $"More than {capacity} nodes are in this cluster; node {KnownNames.Shorten(node)} is ignored"));
        return false;
    }

    /// <summary>Takes a presence; true where others may coordinate from now on. One beyond the bound takes the place of a node that has gone.</summary>
    public bool See(Presence seen)
    {
        if (members.Count >= capacity && !members.ContainsKey(seen.From))
            MakeRoom();
        if (!Admits(members, seen.From, drops, capacity))
            return false;
        members[seen.From] = seen;
        var before = Candidates;
        Candidates = seen.Status == NodeStatus.Online ? before.Add(seen.From) : before.Remove(seen.From);
        return Candidates != before;
    }

    private void MakeRoom()
    {
        if (members.Values.FirstOrDefault(m => m.Status != NodeStatus.Online) is { } gone)
            members.Remove(gone.From);
    }
}
