using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>No process runs an attempt twice.</summary>
internal sealed class AttemptCheck(World world) : ICheck
{
    private readonly HashSet<(string Process, string Attempt)> begun = [];

    public int Count => begun.Count;

    public void Begins(string process, string attempt)
    {
        if (!begun.Add((process, attempt)))
            world.Fail($"{process} runs attempt {attempt} a second time.");
    }

    public void Seen(Sighting sighting)
    {
    }

    public void RetainedLost()
    {
    }
}
