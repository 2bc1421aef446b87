using MantaLight.Protocol;
using MantaLight.Tasks;

namespace MantaLight.Nodes;

/// <summary>Under which names tasks keep what is their node's own.</summary>
internal static class KeptNames
{
    // Those of error feedback are not counted: there is one for each codec.
    private const char Apart = '+';

    public static bool AreFull(IEnumerable<string> names) => names.Count(n => !n.Contains(Apart, StringComparison.Ordinal)) >= LocalState.MaximumNames;

    /// <exception cref="TaskContractException">It is no name.</exception>
    public static void Require(string name)
    {
        if (!Identifier.IsValid(name))
            throw new TaskContractException($"Nothing can be kept as '{name}': {Identifier.Form} are expected.");
    }

    public static TaskContractException Foreign(string name, string owner) => new($"'{name}' is what task '{owner}' keeps; this task can read it, and keep something under a name of its own.");

    public static TaskContractException TooMany(string name) => new($"'{name}' would be one name too many: a node keeps {LocalState.MaximumNames} in a run.");
}
