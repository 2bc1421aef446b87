using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>No process runs an attempt twice.</summary>
internal sealed class AttemptCheck(World world) : ICheck
{
    private readonly HashSet<(string Process, string Attempt)> begun = [];

    public int Count { get; private set; }

    public void Begins(string process, string attempt)
    {
        Count++;
        if (!begun.Add((process, attempt)))
            world.Fail($"{process} runs attempt {attempt} a second time.");
    }

    // Who has forgotten a removed run knows nothing of it when somebody who had not heard of the removal brings it back.
    public void Seen(Sighting sighting)
    {
        if (sighting.Message is SwarmState { Status: RunStatus.Removed } removed)
            begun.RemoveWhere(b => b.Attempt.StartsWith(removed.Run + ".", StringComparison.Ordinal));
    }

    public void RetainedLost()
    {
    }
}
