using MantaLight.Protocol;
using MantaLight.Weights;

namespace MantaLight.Virtual;

/// <summary>
/// What virtual nodes' packed contributions have lost, in memory: a model for each that has taken part, two for each that takes part now. As with real nodes,
/// what a round has lost counts only if its contribution did: else the next one makes up for what the round before had lost.
/// </summary>
internal sealed class VirtualResiduals
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string Node, string Alias, string Tag), Lost> settled = [];
    private readonly Dictionary<(string Node, string Alias, string Tag), Lost> open = [];

    /// <summary>What the rounds before have lost; null for nothing.</summary>
    public NamedArrays? Read(string node, ScheduleAttempt schedule, string tag)
    {
        lock (gate)
            return settled.GetValueOrDefault((node, schedule.Alias, tag))?.Residual;
    }

    /// <summary>Keeps what a round loses, until it is settled; in place of what an earlier attempt at it had kept.</summary>
    public void Write(string node, ScheduleAttempt schedule, string tag, NamedArrays residual)
    {
        lock (gate)
            Put(open, (node, schedule.Alias, tag), new Lost(schedule.Round, residual, null));
    }

    /// <summary>Takes note of which contributions have counted, as a published state tells.</summary>
    public void Settle(SwarmState seen)
    {
        lock (gate)
        {
            // Read once for all nodes.
            var committed = seen.Tasks.Where(t => t.Phase == TaskPhase.Committed && open.Count > 0).ToDictionary(t => t.Alias, t => (Task: t, Keys: NodeKeys.Read(t.NodeKeys)), StringComparer.Ordinal);
            foreach (var (key, lost) in open.ToArray())
            {
                var now = lost;
                if (lost.Round == seen.Round && committed.TryGetValue(key.Alias, out var told))
                    open[key] = now = lost with { Counts = (told.Task.NodeKeys is null ? told.Task.Counts(key.Node) : told.Keys?.Contains(NodeKeys.Of(key.Node))) ?? lost.Counts };
                if (seen.History.FirstOrDefault(h => h.Round == lost.Round) is not { } over)
                    continue;
                open.Remove(key);
                if (over.Skipped is null && (now.Counts ?? over.LeftOut.All(l => l.Node != key.Node)))
                    Put(settled, key, now);
            }
        }
    }

    private static void Put(Dictionary<(string Node, string Alias, string Tag), Lost> kept, (string Node, string Alias, string Tag) key, Lost lost)
    {
        // A task that was slow to hear that its round is over changes nothing.
        if (!kept.TryGetValue(key, out var known) || known.Round <= lost.Round)
            kept[key] = lost;
    }

    private sealed record Lost(int Round, NamedArrays Residual, bool? Counts);
}
