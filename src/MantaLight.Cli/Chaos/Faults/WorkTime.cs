namespace MantaLight.Cli.Chaos.Faults;

/// <summary>How long a task takes nodes that nobody disturbs.</summary>
/// <param name="Shortest">The fastest of them.</param>
/// <param name="Longest">The slowest.</param>
internal readonly record struct WorkTime(TimeSpan Shortest, TimeSpan Longest);
