using System.Collections.Immutable;
using MantaLight.SecureAggregation;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>On which nodes a task runs: a function of the definition and the members alone.</summary>
internal static class Placement
{
    /// <summary>The online members that fulfil what the task asks for, in node-id order.</summary>
    public static ImmutableArray<string> Eligible(CoordinatorState state, TaskDefinition task) =>
        [.. state.Members.Where(m => m.Value.Online && Misses(state, task, m.Value) is null).Select(m => m.Key)];

    /// <summary>The nodes of a task in the round about to start; empty where too few are eligible.</summary>
    /// <param name="state">The state.</param>
    /// <param name="task">The task.</param>
    /// <param name="atWork">Who is at work on it since an earlier round, and so is among them in any case.</param>
    public static ImmutableArray<string> Choose(CoordinatorState state, TaskDefinition task, IEnumerable<string>? atWork = null)
    {
        // What a node does for a masked sum it does on all stages or none.
        task = SecureTasks.LeaderOf(state.Definition, task) ?? task;
        var eligible = Eligible(state, task);
        var (asked, most) = (Asked(state, task), AskedMaximum(state, task));
        if (asked is { } only && most is null)
            eligible = [.. eligible.Where(only.ToHashSet(StringComparer.Ordinal).Contains)];
        var least = Least(state, task);
        if (task.Method == PlacementMethod.All)
            eligible = Absences.Without(state, eligible, least);
        string[] going = [.. atWork ?? []];
        if (going.Length > 0)
            eligible = [.. eligible.Union(going, StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var limit = task.Alias == TaskDefinition.SetupAlias ? 1
            : task.Maximum?.Of(eligible.Length) ?? (task.Method == PlacementMethod.All ? eligible.Length : 1);
        limit = Math.Min(limit, most?.Of(eligible.Length) ?? limit);
        if (Math.Min(limit, eligible.Length) < least)
            return [];
        if (limit >= eligible.Length)
            return eligible;
        // A fixed task keeps the nodes that are still there and fills up; any other is chosen anew in each round. Who was asked for comes first.
        var kept = most is not null && asked is { } named
            ? named.Distinct(StringComparer.Ordinal).Where(node => eligible.BinarySearch(node, StringComparer.Ordinal) >= 0).Take(limit).ToArray()
            : task.Fixed && state.FixedPlacement.TryGetValue(task.Alias, out var before)
            ? before.Where(node => eligible.BinarySearch(node, StringComparer.Ordinal) >= 0).Take(limit).ToArray()
            : [];
        kept = [.. going.Union(kept, StringComparer.Ordinal)];
        var key = task.Fixed ? $"{state.Definition.Seed}/{task.Alias}" : $"{state.Definition.Seed}/{state.Round}/{task.Alias}";
        return [.. kept.Concat(Rendezvous.Order(key, eligible.Except(kept))).Take(limit).Order(StringComparer.Ordinal)];
    }

    /// <summary>The least nodes that a task is placed on: one, or as many as a quorum that is a number asks for, where the definition allows as many.</summary>
    public static int Least(CoordinatorState state, TaskDefinition task)
    {
        if (state.Definition.Rounds.Quorum <= 1 || task.Method != PlacementMethod.All)
            return 1;
        var most = task.Maximum is { Count: > 0 } maximum ? maximum.Count : int.MaxValue;
        if (!task.SpecifiedIds.IsEmpty)
            most = Math.Min(most, task.SpecifiedIds.Length);
        if (AskedMaximum(state, task) is { } wanted)
            most = Math.Min(most, wanted.Count > 0 ? wanted.Count : most);
        else if (Asked(state, task) is { Length: > 0 } asked)
            most = Math.Min(most, asked.Length);
        return (int)Math.Min(state.Definition.Rounds.Quorum, most);
    }

    /// <summary>The nodes that the request for this round has named for the task; null where it has named none.</summary>
    private static ImmutableArray<string>? Asked(CoordinatorState state, TaskDefinition task) =>
        state.IsRoot(task) && task.Alias != TaskDefinition.SetupAlias ? state.FromNodes : null;

    /// <summary>How many nodes the request for this round wants for the task; null where it has not said.</summary>
    private static TaskMaximum? AskedMaximum(CoordinatorState state, TaskDefinition task) =>
        state.IsRoot(task) && task.Alias != TaskDefinition.SetupAlias && state.FromMaximum is { } most
            ? most >= 1 ? new TaskMaximum((int)most, 0) : new TaskMaximum(0, most)
            : null;

    /// <summary>Who could do the first task of the next round, whichever nodes that is asked for on: of several roots the one for all nodes.</summary>
    public static ImmutableArray<string> Candidates(CoordinatorState state)
    {
        var roots = state.Definition.Tasks.Where(t => t.After.IsEmpty).ToArray();
        var first = Array.Find(roots, t => t.Method == PlacementMethod.All) ?? roots[0];
        var next = state with { Round = state.Round + 1 };
        return Absences.Without(next, Eligible(next, first), Least(next, first));
    }

    /// <summary>Whether the definition places the task on one node, whichever that is.</summary>
    public static bool IsForOneNode(TaskDefinition task) => task.Alias == TaskDefinition.SetupAlias
        || (task.Method == PlacementMethod.Any && task.Maximum is null or { Count: 1 });

    /// <summary>Another node for a task whose node was lost or failed; null where there is none.</summary>
    public static string? Replacement(CoordinatorState state, TaskRound round) =>
        // Where it has hung before, it is tried again when there is nobody else.
        InOrder(state, round, Eligible(state, round.Task)).OrderBy(round.Overran.Contains).FirstOrDefault();

    /// <summary>A node that is away and could do a task, as far as it has told; null where there is none.</summary>
    public static string? ReplacementAway(CoordinatorState state, TaskRound round) =>
        InOrder(state, round, state.Members.Where(m => !m.Value.Online && Misses(state, round.Task, m.Value) is null).Select(m => m.Key)).FirstOrDefault();

    private static IEnumerable<string> InOrder(CoordinatorState state, TaskRound round, IEnumerable<string> nodes) =>
        Rendezvous.Order($"{state.Definition.Seed}/{state.Round}/{round.Task.Alias}", nodes.Where(node => !round.Placed.ContainsKey(node) && !round.LeftOut.ContainsKey(node)
            && round.Unfit.GetValueOrDefault(node) != state.Members[node].Presence.Incarnation));

    /// <summary>Whether a node has been away for longer than it takes to come back.</summary>
    public static bool IsAway(CoordinatorState state, string node, DateTimeOffset now) =>
        !state.Members.TryGetValue(node, out var member) || (!member.Online && now - member.Since >= state.Timing.Offline);

    /// <summary>What a member lacks for a task; null when it lacks nothing.</summary>
    public static string? Misses(CoordinatorState state, TaskDefinition task, Member member)
    {
        var presence = member.Presence;
        if (!task.SpecifiedIds.IsEmpty && !task.SpecifiedIds.Contains(presence.From))
            return "it is not among the specified_ids";
        if (task.ExceptedIds.Contains(presence.From))
            return "it is among the excepted_ids";
        if (!presence.Modules.Contains(state.Definition.Module, StringComparer.Ordinal))
            return $"module {state.Definition.Module} is not there";
        if (!state.Definition.Codecs.IsEmpty && state.Definition.Codecs.Values.SelectMany(c => c.Kinds).FirstOrDefault(step => !presence.Codecs.Contains(step)) is { } unknown)
            return $"codec '{unknown}' is not known to it";
        if (state.Definition.SecureAggregation is not null && !presence.Codecs.Contains(SecureOptions.Capability))
            return "secure aggregation is not known to it";
        foreach (var dataset in task.Datasets)
        {
            if (presence.Datasets.FirstOrDefault(d => d.Name == dataset) is not { } present)
                return $"data set '{dataset}' is not mapped";
            if (present.Problem is { } problem)
                return $"data set '{dataset}': {problem}";
        }
        if (task.Gpu && !presence.Resources.Gpu)
            return "it has no GPU";
        return task.Tags.FirstOrDefault(tag => !presence.Tags.Contains(tag)) is { } missing ? $"tag '{missing}' is missing" : null;
    }

    /// <summary>Why a task cannot be placed, in words for the owner.</summary>
    public static string Explain(CoordinatorState state, TaskDefinition task, int wanted)
    {
        const int most = 5;
        var online = state.Members.Values.Where(m => m.Online).ToArray();
        if (online.Length == 0)
            return $"task '{task.Alias}': no node is online";
        var eligible = Eligible(state, task);
        if (eligible.Length > 0 && AskedMaximum(state, task) is null && Asked(state, task) is { } asked)
            return $"task '{task.Alias}' waits for nodes that the round was asked for: {List(asked.Where(node => !eligible.Contains(node)), most)}";
        if (eligible.Length > 0)
            return $"task '{task.Alias}' has {eligible.Length} of {wanted} nodes: {List(eligible, most)}";
        return $"task '{task.Alias}' has no eligible node among {online.Length} ({List(online.Select(m => $"{m.Presence.From}: {Misses(state, task, m) ?? "ready"}"), most, "; ")})";
    }

    /// <summary>The first of some names, and that there are more.</summary>
    public static string List(IEnumerable<string> names, int most, string separator = ", ")
    {
        string[] first = [.. names.Take(most + 1)];
        return string.Join(separator, first.Take(most)) + (first.Length > most ? $"{separator}…" : "");
    }
}
