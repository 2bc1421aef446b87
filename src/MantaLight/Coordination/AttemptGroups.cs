using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>Attempts of tasks without a barrier as the committed state has them, by the round in which they began: a successor must know which records count, and where.</summary>
internal static class AttemptGroups
{
    // Of more, keys alone.
    private const int MostNamed = 64;

    /// <summary>Whose records are in the buffer; null where the task has none or is not committed.</summary>
    public static ImmutableArray<AttemptGroup>? Counted(TaskRound task) => task.Task.Asynchronous is null || task.Phase != TaskPhase.Committed
        ? null
        : Groups(task.Placed.Values.Where(a => a.Phase != AttemptPhase.Failed), isNamed: true, _ => []);

    /// <summary>Which attempts are to count; null where the task has a barrier.</summary>
    public static ImmutableArray<AttemptGroup>? InFlight(CoordinatorState state, TaskRound task)
    {
        if (task.Task.Asynchronous is null)
            return null;
        Attempt[] flying = [.. (task.Phase is TaskPhase.Pending or TaskPhase.Running ? task.Placed.Values : task.Carried.Values).Where(a => a.Phase != AttemptPhase.Failed)];
        return Groups(flying, flying.Length <= MostNamed, round => state.ReadIn.GetValueOrDefault(round, []));
    }

    /// <summary>The task as a predecessor has left it. What is under way is taken to be so, until its node tells or has been asked.</summary>
    public static TaskRound Read(CoordinatorState state, TaskRound task, TaskState before, DateTimeOffset deadline)
    {
        var keys = state.Members.Keys.ToLookup(NodeKeys.Of);
        var placed = NodesOf(before.Counted, keys).Aggregate(TaskRound.Of(task.Task, [], state.Round), (all, a) => all.With(new Attempt { Node = a.Node, Round = a.Round }));
        var flying = NodesOf(before.InFlight, keys).Where(a => !placed.Placed.ContainsKey(a.Node))
            .Select(a => new Attempt { Node = a.Node, Round = a.Round, Phase = AttemptPhase.Accepted, Deadline = deadline });
        task = task with { Placed = placed.Placed, Counts = placed.Counts, Unseen = [] };
        return task.Phase == TaskPhase.Pending
            ? flying.Aggregate(task, (all, attempt) => all.With(attempt))
            : task with { Carried = CoordinatorState.Ordered<Attempt>().AddRange(flying.Select(a => KeyValuePair.Create(a.Node, a))) };
    }

    /// <summary>The globals that attempts of earlier rounds may read.</summary>
    public static ImmutableSortedDictionary<int, ImmutableArray<string>> Reads(SwarmState retained)
    {
        var reads = CoordinatorState.Rounds<ImmutableArray<string>>();
        foreach (var group in retained.Tasks.SelectMany(t => t.InFlight ?? []))
            reads = reads.SetItem(group.Round, group.Reads);
        return reads;
    }

    private static IEnumerable<(string Node, int Round)> NodesOf(ImmutableArray<AttemptGroup>? groups, ILookup<uint, string> keys) => (groups ?? [])
        .SelectMany(group => (NodeKeys.Read(group.NodeKeys) is { } written ? written.SelectMany(key => keys[key]) : group.Nodes).Select(node => (node, group.Round)))
        .DistinctBy(a => a.node).OrderBy(a => a.node, StringComparer.Ordinal);

    private static ImmutableArray<AttemptGroup> Groups(IEnumerable<Attempt> attempts, bool isNamed, Func<int, ImmutableArray<string>> reads) =>
    [
        .. attempts.GroupBy(a => a.Round).OrderBy(g => g.Key).Select(g => new AttemptGroup
        {
            Round = g.Key,
            Nodes = isNamed ? [.. g.Select(a => a.Node)] : [],
            NodeKeys = isNamed ? null : NodeKeys.Write(g.Select(a => NodeKeys.Of(a.Node))),
            Reads = reads(g.Key),
        }),
    ];
}
