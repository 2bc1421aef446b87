using System.Text;
using System.Text.Json;

namespace MantaLight.Swarms;

/// <summary>
/// A swarm defined in C#. It is one more way to write a <see cref="SwarmDefinition"/>, with the compiler checking the
/// tasks' types; <see cref="ToJson"/> exports what is published.
/// </summary>
public abstract class Swarm
{
    /// <summary>Adds globals, tasks and the edges between them.</summary>
    /// <param name="swarm">Starts with the class's name in snake_case without <c>Swarm</c>, and the class's assembly as module.</param>
    protected abstract void Define(SwarmBuilder swarm);

    /// <summary>The validated definition.</summary>
    /// <exception cref="InvalidSwarmException">It cannot run; the message lists every problem, with its path in the exported JSON.</exception>
    public SwarmDefinition ToDefinition()
    {
        var type = GetType();
        var builder = new SwarmBuilder(DefaultName(type.Name), type.Assembly.GetName().Name ?? "");
        Define(builder);
        return SwarmJson.Validate(builder.Build());
    }

    /// <summary>The definition as canonical JSON.</summary>
    /// <exception cref="InvalidSwarmException">It cannot run; the message lists every problem, with its path in the exported JSON.</exception>
    public string ToJson() => Encoding.UTF8.GetString(SwarmJson.Write(ToDefinition()));

    private static string DefaultName(string type) => JsonNamingPolicy.SnakeCaseLower.ConvertName(
        type.EndsWith("Swarm", StringComparison.Ordinal) && type.Length > 5 ? type[..^5] : type);
}
