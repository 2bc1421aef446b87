using System.Collections.Immutable;
using MantaLight.Cli.Chaos.Plan;
using MantaLight.Swarms;

namespace MantaLight.Cli.Chaos.Watch;

/// <summary>What is who in a definition's rounds, and who has it now.</summary>
internal sealed class Roles
{
    /// <exception cref="ChaosException">The definition has no task for all nodes.</exception>
    public Roles(SwarmDefinition definition)
    {
        Stages = [.. Sort(definition.Tasks)];
        Aggregator = Stages.FirstOrDefault(t => t.Method == PlacementMethod.Any && !t.After.IsEmpty)?.Alias;
        Scheduler = Stages.LastOrDefault(t => t.Method == PlacementMethod.Any && !t.After.IsEmpty && t.Alias != Aggregator)?.Alias;
        if (Stages.All(t => t.Method != PlacementMethod.All))
            throw new ChaosException($"{definition.Name} has no task of the method 'all': without workers there is nothing to disturb.");
    }

    /// <summary>A round's tasks, each behind what it waits for.</summary>
    public ImmutableArray<TaskDefinition> Stages { get; }

    /// <summary>The first task for one node that reads others' results.</summary>
    public string? Aggregator { get; }

    /// <summary>The last one.</summary>
    public string? Scheduler { get; }

    /// <summary>The tasks in which a role can be struck.</summary>
    public ImmutableArray<string> StagesOf(FaultRole role) => role switch
    {
        FaultRole.Worker => [.. Stages.Where(t => t.Method == PlacementMethod.All).Select(t => t.Alias)],
        FaultRole.Aggregator => Aggregator is { } alias ? [alias] : [],
        FaultRole.Scheduler => Scheduler is { } alias ? [alias] : [],
        // Where blobs cross the wire: what the tasks before it made is read.
        FaultRole.Reader => [.. Stages.Where(t => !t.After.IsEmpty && t.Alias != Scheduler).Select(t => t.Alias)],
        FaultRole.Writer => [.. Stages.Where(t => t.After.IsEmpty || t.Alias == Aggregator).Select(t => t.Alias)],
        _ => [.. Stages.Select(t => t.Alias)],
    };

    /// <summary>Whether a task runs on one node, whichever that is.</summary>
    public bool IsForOneNode(string alias) => Stages.FirstOrDefault(t => t.Alias == alias) is not { Method: PlacementMethod.All };

    /// <summary>Who can be struck in a role at this moment.</summary>
    public static ImmutableArray<string> Holders(FaultRole role, WireView view, int round, string alias)
    {
        if (role == FaultRole.Coordinator)
            return view.Claim is { } claim ? [claim.From] : [];
        var open = view.Open(round, alias);
        var holders = open.IsEmpty ? view.Task(round, alias)?.Nodes ?? [] : open;
        // The coordinator's host has a role of its own.
        return role == FaultRole.Worker && view.Claim is { } leader && holders.Length > 1 ? holders.Remove(leader.From) : holders;
    }

    private static List<TaskDefinition> Sort(ImmutableArray<TaskDefinition> tasks)
    {
        var sorted = new List<TaskDefinition>();
        while (tasks.Except(sorted).FirstOrDefault(t => t.After.All(a => sorted.Exists(s => s.Alias == a))) is { } next)
            sorted.Add(next);
        return sorted;
    }
}
