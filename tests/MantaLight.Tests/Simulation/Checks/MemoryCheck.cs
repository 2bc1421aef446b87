using System.Buffers;
using MantaLight.Nodes;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>
/// Where the broker has lost everything, a run does not stay behind what a member knows who has been there since: that is taken up again.
/// </summary>
internal sealed class MemoryCheck(World world, FaultyBroker broker, IReadOnlyList<SimulatedNode> nodes) : ICheck
{
    /// <summary>For the broker to be back, and for whoever knows more to be heard: a coordinator that has begun with less begins again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Dictionary<string, SwarmState> last = new(StringComparer.Ordinal);
    private int losses;

    /// <summary>How often somebody who knew the most was there, and the run was compared with that.</summary>
    public int Count { get; private set; }

    public void Seen(Sighting sighting)
    {
        if (sighting.Message is SwarmState state)
            last[state.Swarm] = state;
    }

    public void RetainedLost()
    {
        losses++;
        foreach (var swarm in last.Keys.ToArray())
        {
            var known = nodes.Where(n => n.IsRunning).Select(n => (Node: n, n.Process, State: Read(n, swarm))).Where(k => k.State is { } s && !s.Status.IsRemoval()).ToArray();
            if (known.Length == 0)
                continue;
            var most = known.Max(k => Inheritance.Progress(k.State!));
            var latest = known.First(k => Inheritance.Progress(k.State!) == most).State!;
            var holders = known.Where(k => Inheritance.Progress(k.State!) == most && k.State!.Run == latest.Run).Select(k => (k.Node, k.Process)).ToArray();
            var loss = losses;
            world.After(Patience, () => Compare(latest, holders, loss, isLast: false));
        }
    }

    private void Compare(SwarmState known, (SimulatedNode Node, SimulatedProcess? Process)[] holders, int loss, bool isLast)
    {
        // What the next loss has made of it is the next loss's.
        if (loss != losses || last.GetValueOrDefault(known.Swarm) is not { } now)
            return;
        (SimulatedNode Node, SimulatedProcess? Process)[] there = [.. holders.Where(h => h.Node.Process == h.Process && h.Process is { IsAlive: true, IsPaused: false } && broker.Hears($"{Evidence.Cluster}.{h.Node.Id}", Patience / 2))];
        if (there.Length == 0)
            return;
        Count++;
        // Its owner has removed it, or published another one, or has it run again.
        if (now.Status.IsRemoval() || now.Run != known.Run || Inheritance.Progress(now).CompareTo(Inheritance.Progress(known)) >= 0)
            return;
        // Whoever coordinates may just have gone.
        if (!isLast)
            world.After(Patience, () => Compare(known, there, loss, isLast: true));
        else
            world.Fail($"{there[0].Node.Id} has been there since the broker lost everything, and knows {known.Run} as {known.Status} in round {known.Round}; it is {now.Status} in round {now.Round}.");
    }

    private static SwarmState? Read(SimulatedNode node, string swarm) => node.Disk.ReadSealed($"swarms/{swarm}.state") is { } content
        ? ProtocolJson.Read<SwarmState>(new ReadOnlySequence<byte>(content), out _) : null;
}
