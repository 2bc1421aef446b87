using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>No process runs an attempt twice.</summary>
internal sealed class AttemptCheck(World world) : ICheck
{
    // By node: a process that was followed by another does nothing more.
    private readonly Dictionary<string, (string Process, HashSet<string> Attempts)> begun = new(StringComparer.Ordinal);

    private readonly Dictionary<string, SwarmState> last = new(StringComparer.Ordinal);

    public int Count { get; private set; }

    public void Begins(string process, string attempt)
    {
        Count++;
        var node = process[..(process.LastIndexOf('.') + 1)];
        if (!begun.TryGetValue(node, out var now) || now.Process != process)
            begun[node] = now = (process, new HashSet<string>(StringComparer.Ordinal));
        if (!now.Attempts.Add(attempt))
            world.Fail($"{process} runs attempt {attempt} a second time.");
    }

    // Who has forgotten a removed run knows nothing of it when somebody who had not heard of the removal brings it back.
    public void Seen(Sighting sighting)
    {
        if (sighting.Message is not SwarmState state)
            return;
        last[state.Swarm] = state;
        if (state is not { Status: RunStatus.Removed } removed)
            return;
        foreach (var (_, attempts) in begun.Values)
            attempts.RemoveWhere(a => a.StartsWith(removed.Run + ".", StringComparison.Ordinal));
    }

    // Who has gone on to another run has forgotten the one before it, as who has heard of a removal late has the one that was removed: where the broker has lost everything, somebody who
    // has not heard of the other may bring it back, and what is done again is done with the same seed.
    public void RetainedLost()
    {
        string[] current = [.. last.Values.Where(s => s.Status is not (RunStatus.Superseded or RunStatus.Removed)).Select(s => s.Run + ".")];
        foreach (var (_, attempts) in begun.Values)
            attempts.RemoveWhere(a => !current.Any(run => a.StartsWith(run, StringComparison.Ordinal)));
    }
}
