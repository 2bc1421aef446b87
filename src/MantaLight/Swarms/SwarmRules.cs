using System.Collections.Immutable;
using MantaLight.Diagnostics;

namespace MantaLight.Swarms;

/// <summary>What must hold between the tasks of a definition.</summary>
internal static class SwarmRules
{
    public static void CheckGraph(ImmutableArray<TaskDefinition> tasks, SwarmProblems problems)
    {
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < tasks.Length; i++)
        {
            var alias = tasks[i].Alias;
            if (alias == TaskDefinition.SetupAlias)
                problems.Add($"$.tasks[{i}].alias", "'setup' is the alias of the setup task, expected another one");
            else if (alias.Length > 0 && !index.TryAdd(alias, i))
                problems.Add($"$.tasks[{i}].alias", $"'{alias}' is already the alias of $.tasks[{index[alias]}], expected each alias once");
        }
        for (var i = 0; i < tasks.Length; i++)
        {
            for (var k = 0; k < tasks[i].After.Length; k++)
            {
                if (tasks[i].After[k] is { Length: > 0 } before && !index.ContainsKey(before))
                    problems.Add($"$.tasks[{i}].after[{k}]", UnknownAlias(before, tasks, tasks[i].Alias));
            }
        }
        foreach (var cycle in SwarmGraph.FindCycles(tasks))
        {
            var closing = index[cycle[0]];
            problems.Add($"$.tasks[{closing}].after", $"the tasks wait for each other: {string.Join(" -> ", cycle)}; expected a graph without cycles");
        }
    }

    public static void CheckStart(SwarmDefinition definition, SwarmProblems problems)
    {
        if (definition.Start is not { } start)
            return;
        if (start.Round >= definition.Rounds.Maximum)
            problems.Add("$.start.round", $"found {start.Round}, expected less than rounds.maximum, which is {definition.Rounds.Maximum}: nothing is left to run");
        if (start.FromAlias is { Length: > 0 } alias && definition.Tasks.All(t => t.Alias != alias))
            problems.Add("$.start.from_alias", UnknownAlias(alias, definition.Tasks, ""));
    }

    /// <summary>A task without a barrier begins the round, on whoever is there, and sends differences: from what nobody may have any more, so that they are made before they are packed.</summary>
    public static void CheckAsynchronous(SwarmDefinition definition, SwarmProblems problems)
    {
        for (var i = 0; i < definition.Tasks.Length; i++)
        {
            var task = definition.Tasks[i];
            if (task.Asynchronous is null)
                continue;
            if (task.Method != PlacementMethod.All)
                problems.Add($"$.tasks[{i}].asynchronous", "the method is 'any', expected 'all': attempts stay with their nodes; set method to 'all', and 'maximum' where not all are to be under way at once");
            if (!task.After.IsEmpty)
                problems.Add($"$.tasks[{i}].asynchronous", $"the task waits for '{task.After[0]}', expected one that begins the round: what it reads of other tasks may be gone when it is late; leave 'after' out");
            foreach (var (tag, plan) in definition.Codecs.Where(c => c.Value.IsDelta))
                problems.Add(JsonPath.Of("$.codecs", tag), $"is a difference from '{plan.Base}', and task '{task.Alias}' is asynchronous: its weights travel as differences by themselves; leave out 'delta', and 'top_k' with it");
        }
    }

    private static string UnknownAlias(string unknown, ImmutableArray<TaskDefinition> tasks, string own)
    {
        if (unknown == TaskDefinition.SetupAlias)
            return "'setup' runs before the first round and is before every task; leave it out";
        string[] others = [.. tasks.Select(t => t.Alias).Where(a => a.Length > 0 && a != own && a != TaskDefinition.SetupAlias).Distinct()];
        return $"unknown alias '{unknown}'; expected one of: {KnownNames.List(others)}";
    }
}
