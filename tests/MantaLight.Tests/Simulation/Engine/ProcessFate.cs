namespace MantaLight.Simulation;

/// <summary>What is known of a process when all else of its history is gone.</summary>
internal sealed class ProcessFate(long seed, string name)
{
    public long Seed => seed;

    public string Name => name;

    /// <summary>Whether it came to its end and was not killed before.</summary>
    public bool HasEnded { get; set; }

    public bool WasKilled { get; set; }
}
