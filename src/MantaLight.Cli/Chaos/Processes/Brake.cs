namespace MantaLight.Cli.Chaos.Processes;

/// <summary>
/// Holds the nodes' attempts of rounds and tasks that have faults to come, so that the run does not end before them: the
/// files behind the nodes' <c>--hold-file</c>.
/// </summary>
internal sealed class Brake(string folder, IReadOnlyCollection<string> nodes)
{
    private readonly Dictionary<string, HashSet<string>> held = nodes.ToDictionary(n => n, _ => new HashSet<string>(StringComparer.Ordinal));

    /// <summary>A node's file.</summary>
    public string FileOf(string node) => Path.Combine(folder, node);

    /// <summary>Holds tasks on all nodes.</summary>
    public void Hold(IEnumerable<(int Round, string Alias)> tasks)
    {
        Directory.CreateDirectory(folder);
        string[] lines = [.. tasks.Select(t => Line(t.Round, t.Alias))];
        foreach (var (node, own) in held)
        {
            own.UnionWith(lines);
            Write(node);
        }
    }

    /// <summary>Holds a task's next attempt on a node.</summary>
    public void Hold(int round, string alias, string node)
    {
        if (held[node].Add(Line(round, alias)))
            Write(node);
    }

    /// <summary>Lets a task's attempts begin: on a node, or on all of them.</summary>
    public void Release(int round, string alias, string? node = null)
    {
        foreach (var (name, own) in held)
        {
            if ((node is null || name == node) && own.Remove(Line(round, alias)))
                Write(name);
        }
    }

    private static string Line(int round, string alias) => $"{round}.{alias}";

    private void Write(string node)
    {
        // Whole or not at all: a node reads it at any moment.
        var next = $"{FileOf(node)}.next";
        File.WriteAllLines(next, held[node]);
        File.Move(next, FileOf(node), overwrite: true);
    }
}
