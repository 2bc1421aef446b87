using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>
/// Has a node say that it knows a later state than the one that a coordinator has begun with. Of very many nodes some speak at once,
/// and others after them only where that did not help.
/// </summary>
internal sealed class Reminder(string swarm, string node, TimeProvider time)
{
    private SwarmState? later;
    private DateTimeOffset due;

    /// <param name="seen">The state that has been committed.</param>
    /// <param name="known">The one that the node knew.</param>
    /// <param name="present">The nodes that are there.</param>
    public void StateSeen(SwarmState seen, SwarmState? known, Func<IReadOnlyCollection<string>> present)
    {
        if (later is not null && !SwarmMemory.IsBehind(seen, later))
            later = null;
        if (!SwarmMemory.IsBehind(seen, known))
            return;
        var nodes = present();
        var turn = nodes.Count <= ScheduleWindow.Size ? 0 : Rendezvous.Rank(swarm, node, nodes) / ScheduleWindow.Size;
        (later, due) = (known, time.SteadyNow() + TimeSpan.FromSeconds(turn));
    }

    /// <summary>What is to be said now; null where it is nothing.</summary>
    public SwarmState? Take()
    {
        if (later is null || time.SteadyNow() < due)
            return null;
        var said = later;
        later = null;
        return said;
    }
}
