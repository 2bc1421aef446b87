using System.Collections.Immutable;

namespace MantaLight.Swarms;

/// <summary>The order in which the tasks of a valid definition run. The setup task is not part of it.</summary>
internal sealed class SwarmGraph
{
    private const int MaximumCycles = 10;

    private readonly Dictionary<string, ImmutableArray<string>> predecessors;
    private readonly Dictionary<string, ImmutableArray<string>> successors;

    public SwarmGraph(SwarmDefinition definition)
    {
        var tasks = definition.Tasks;
        predecessors = tasks.ToDictionary(t => t.Alias, t => t.After, StringComparer.Ordinal);
        successors = SuccessorsOf(tasks);
        Roots = [.. tasks.Where(t => t.After.IsEmpty).Select(t => t.Alias)];
        Order = Sort(tasks);
    }

    /// <summary>The aliases of the tasks that wait for none, in definition order.</summary>
    public ImmutableArray<string> Roots { get; }

    /// <summary>All aliases, each behind what it waits for, otherwise in definition order.</summary>
    public ImmutableArray<string> Order { get; }

    /// <summary>What that task waits for, in the order of its <c>after</c>.</summary>
    public ImmutableArray<string> PredecessorsOf(string alias) => predecessors[alias];

    /// <summary>What waits for that task, in definition order.</summary>
    public ImmutableArray<string> SuccessorsOf(string alias) => successors[alias];

    /// <summary>Everything that waits for that task, directly or through others, in <see cref="Order"/>; without itself.</summary>
    public ImmutableArray<string> DescendantsOf(string alias)
    {
        var below = new HashSet<string>(StringComparer.Ordinal);
        var open = new Stack<string>(SuccessorsOf(alias));
        while (open.TryPop(out var next))
        {
            if (below.Add(next))
            {
                foreach (var successor in SuccessorsOf(next))
                    open.Push(successor);
            }
        }
        return [.. Order.Where(below.Contains)];
    }

    /// <summary>Everything that a task waits for, directly or through others; nothing for one that is not part of the graph, as the setup task.</summary>
    public IReadOnlySet<string> AncestorsOf(string alias)
    {
        var above = new HashSet<string>(StringComparer.Ordinal);
        var open = new Stack<string>([alias]);
        while (open.TryPop(out var next))
        {
            foreach (var before in predecessors.GetValueOrDefault(next, []).Where(above.Add))
                open.Push(before);
        }
        return above;
    }

    /// <summary>The tasks of a round that starts at that task: itself and its descendants, in <see cref="Order"/>. What they wait for outside of it counts as done.</summary>
    public ImmutableArray<string> RoundFrom(string alias)
    {
        var below = DescendantsOf(alias);
        return [.. Order.Where(a => a == alias || below.Contains(a))];
    }

    /// <summary>Cycles as <c>a, b, a</c>, each along the direction of work; at most ten. Unknown aliases are passed over.</summary>
    public static IReadOnlyList<ImmutableArray<string>> FindCycles(ImmutableArray<TaskDefinition> tasks)
    {
        var successors = SuccessorsOf(tasks);
        var cycles = new List<ImmutableArray<string>>();
        var done = new HashSet<string>(StringComparer.Ordinal);
        var path = new List<string>();
        foreach (var task in tasks)
            Visit(task.Alias);
        return cycles;

        // At most 256 tasks, so the recursion is bounded.
        void Visit(string alias)
        {
            if (cycles.Count >= MaximumCycles || done.Contains(alias))
                return;
            var start = path.IndexOf(alias);
            if (start >= 0)
            {
                cycles.Add([.. path[start..], alias]);
                return;
            }
            path.Add(alias);
            foreach (var successor in successors[alias])
                Visit(successor);
            path.RemoveAt(path.Count - 1);
            done.Add(alias);
        }
    }

    private static Dictionary<string, ImmutableArray<string>> SuccessorsOf(ImmutableArray<TaskDefinition> tasks)
    {
        var successors = tasks.Select(t => t.Alias).Distinct(StringComparer.Ordinal)
            .ToDictionary(a => a, _ => new List<string>(), StringComparer.Ordinal);
        foreach (var task in tasks)
        {
            foreach (var before in task.After)
            {
                if (successors.TryGetValue(before, out var list))
                    list.Add(task.Alias);
            }
        }
        return successors.ToDictionary(s => s.Key, s => s.Value.ToImmutableArray(), StringComparer.Ordinal);
    }

    private static ImmutableArray<string> Sort(ImmutableArray<TaskDefinition> tasks)
    {
        var order = ImmutableArray.CreateBuilder<string>(tasks.Length);
        var placed = new HashSet<string>(StringComparer.Ordinal);
        while (order.Count < tasks.Length)
        {
            var next = tasks.FirstOrDefault(t => !placed.Contains(t.Alias) && t.After.All(placed.Contains))
                ?? throw new InvalidSwarmException("The graph has a cycle or an unknown alias; validate the definition with SwarmJson first.");
            placed.Add(next.Alias);
            order.Add(next.Alias);
        }
        return order.DrainToImmutable();
    }
}
