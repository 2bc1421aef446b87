namespace MantaLight.Swarms;

/// <summary>Collects what is wrong with a definition, so that the author reads all of it at once.</summary>
internal sealed class SwarmProblems
{
    // One mebibyte of nonsense would otherwise make a message of many.
    private const int Maximum = 100;

    private readonly List<string> found = [];
    private int more;

    /// <summary>Whether something was added.</summary>
    public bool Any => found.Count > 0;

    public void Add(string path, string problem)
    {
        if (found.Count < Maximum)
            found.Add($"{path}: {problem}");
        else
            more++;
    }

    /// <exception cref="InvalidSwarmException">Something was added.</exception>
    public void ThrowIfAny(Exception? inner = null)
    {
        if (found.Count == 0)
            return;
        var message = found is [var only]
            ? $"The swarm definition is not valid: {only}"
            : $"The swarm definition has {found.Count + more} problems:\n  {string.Join("\n  ", found)}{(more > 0 ? $"\n  and {more} more" : "")}";
        throw new InvalidSwarmException(message, inner) { Problems = [.. found] };
    }
}
