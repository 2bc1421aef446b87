using System.Collections.Immutable;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>On which nodes a task runs: a function of the definition and the members alone.</summary>
internal static class Placement
{
    /// <summary>The online members that fulfil what the task asks for, in node-id order.</summary>
    public static ImmutableArray<string> Eligible(CoordinatorState state, TaskDefinition task) =>
        [.. state.Members.Where(m => m.Value.Online && Misses(state, task, m.Value) is null).Select(m => m.Key)];

    /// <summary>The nodes of a task in the round about to start; empty where none is eligible.</summary>
    public static ImmutableArray<string> Choose(CoordinatorState state, TaskDefinition task)
    {
        var eligible = Eligible(state, task);
        if (state.IsRoot(task) && task.Alias != TaskDefinition.SetupAlias && state.FromNodes is { } asked)
            eligible = [.. eligible.Where(asked.Contains)];
        if (eligible.IsEmpty)
            return [];
        var limit = task.Alias == TaskDefinition.SetupAlias ? 1
            : task.Maximum?.Of(eligible.Length) ?? (task.Method == PlacementMethod.All ? eligible.Length : 1);
        if (limit >= eligible.Length)
            return eligible;
        // A fixed task keeps the nodes that are still there and fills up; any other is chosen anew in each round.
        var kept = task.Fixed && state.FixedPlacement.TryGetValue(task.Alias, out var before)
            ? before.Where(eligible.Contains).Take(limit).ToArray()
            : [];
        var key = task.Fixed ? $"{state.Definition.Seed}/{task.Alias}" : $"{state.Definition.Seed}/{state.Round}/{task.Alias}";
        return [.. kept.Concat(Rendezvous.Order(key, eligible.Except(kept))).Take(limit).Order(StringComparer.Ordinal)];
    }

    /// <summary>Whether the definition places the task on one node, whichever that is.</summary>
    public static bool IsForOneNode(TaskDefinition task) => task.Alias == TaskDefinition.SetupAlias
        || (task.Method == PlacementMethod.Any && task.Maximum is null or { Count: 1 });

    /// <summary>Another node for a task whose node was lost or failed; null where there is none.</summary>
    public static string? Replacement(CoordinatorState state, TaskRound round)
    {
        var free = Eligible(state, round.Task).Where(node => !round.Placed.ContainsKey(node) && !round.LeftOut.ContainsKey(node));
        return Rendezvous.Order($"{state.Definition.Seed}/{state.Round}/{round.Task.Alias}", free).FirstOrDefault();
    }

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
    public static string Explain(CoordinatorState state, TaskDefinition task)
    {
        var online = state.Members.Values.Where(m => m.Online).ToArray();
        if (online.Length == 0)
            return $"task '{task.Alias}': no node is online";
        var reasons = online.Take(5).Select(m => $"{m.Presence.From}: {Misses(state, task, m) ?? "ready"}");
        return $"task '{task.Alias}' has no eligible node among {online.Length} ({string.Join("; ", reasons)}{(online.Length > 5 ? "; …" : "")})";
    }
}
