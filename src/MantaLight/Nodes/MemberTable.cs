using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>The nodes that this one knows of, with what they last said of themselves.</summary>
internal sealed class MemberTable(string self, Drops drops, int capacity = 10_000)
{
    private readonly SortedDictionary<string, Presence> members = new(StringComparer.Ordinal);

    /// <summary>Those who may coordinate: the nodes that are there, this one among them.</summary>
    public ImmutableSortedSet<string> Candidates { get; private set; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal, self);

    public ImmutableArray<Presence> All => [.. members.Values];

    /// <summary>Takes a presence; true where others may coordinate from now on. One beyond the bound takes the place of a node that has gone.</summary>
    public bool See(Presence seen)
    {
        if (members.Count >= capacity && !members.ContainsKey(seen.From) && !TryMakeRoom())
        {
            drops.Beyond("members full", string.Create(CultureInfo.InvariantCulture, $"More than {capacity} nodes are in this cluster; node {seen.From} is ignored"));
            return false;
        }
        members[seen.From] = seen;
        var before = Candidates;
        Candidates = seen.Status == NodeStatus.Online ? before.Add(seen.From) : before.Remove(seen.From);
        return Candidates != before;
    }

    private bool TryMakeRoom() => members.Values.FirstOrDefault(m => m.Status != NodeStatus.Online) is { } gone && members.Remove(gone.From);
}
