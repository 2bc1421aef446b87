using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Cli.Swarms;

/// <summary>Checks a definition against the nodes that are online.</summary>
internal static class PresenceCheck
{
    /// <summary>Makes sure that some node has each data set and the module.</summary>
    /// <exception cref="InvalidSwarmException">There is a data set or a module that no node online has.</exception>
    public static void Check(SwarmDefinition definition, IReadOnlyCollection<Presence> nodes)
    {
        var problems = new List<string>();
        string[] modules = [.. nodes.SelectMany(n => n.Modules).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (!modules.Contains(definition.Module))
            problems.Add($"$.module: '{definition.Module}' is on no node online; there {(modules.Length == 0 ? "is none" : $"are {string.Join(", ", modules)}")}.");
        string[] datasets = [.. nodes.SelectMany(n => n.Datasets.Select(d => d.Name)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        foreach (var (task, i) in definition.Tasks.Select((t, i) => (t, i)))
        {
            foreach (var dataset in task.Datasets.Where(d => !datasets.Contains(d)))
                problems.Add($"$.tasks[{i}].datasets: '{dataset}' is on no node online; there {(datasets.Length == 0 ? "is none" : $"are {string.Join(", ", datasets)}")}.");
        }
        if (problems.Count == 0)
            return;
        throw new InvalidSwarmException($"The {nodes.Count} nodes online cannot run it:{Environment.NewLine}{string.Join(Environment.NewLine, problems.Select(p => $"  {p}"))}") { Problems = problems };
    }
}
