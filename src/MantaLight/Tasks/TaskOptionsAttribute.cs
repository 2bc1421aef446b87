namespace MantaLight.Tasks;

/// <summary>
/// Says which type a task's <c>options</c> in a definition are of, so that unknown and mistyped ones are refused
/// before the swarm starts. A task without it takes no options.
/// </summary>
/// <param name="optionsType">A record or class that <see cref="TaskJson"/> reads; its property names are the snake_case keys.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class TaskOptionsAttribute(Type optionsType) : Attribute
{
    /// <summary>The type of the options.</summary>
    public Type OptionsType { get; } = optionsType;
}
