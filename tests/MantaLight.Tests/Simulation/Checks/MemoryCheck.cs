using System.Buffers;
using MantaLight.Nodes;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>
/// Where the broker has lost everything, a run does not stay behind what a member knows who has been there since: whoever coordinates with less begins
/// again with that.
/// </summary>
internal sealed class MemoryCheck(World world, FaultyBroker broker, IReadOnlyList<SimulatedNode> nodes) : ICheck
{
    /// <summary>How long somebody has been connected who cannot have been missed.</summary>
    private static readonly TimeSpan There = TimeSpan.FromSeconds(6);

    /// <summary>For whoever knows more to be heard, and for a coordinator to begin again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private readonly Dictionary<string, Memory> memories = new(StringComparer.Ordinal);
    private readonly HashSet<string> swarms = new(StringComparer.Ordinal);

    /// <summary>How many states were compared with what somebody knew.</summary>
    public int Count { get; private set; }

    public void Seen(Sighting sighting)
    {
        if (sighting.Message is not SwarmState state)
            return;
        swarms.Add(state.Swarm);
        if (!memories.TryGetValue(state.Swarm, out var memory))
            return;
        // Its owner has removed it, or published another one, or has it run again.
        if (state.Status.IsRemoval() || state.Run != memory.State.Run)
        {
            memories.Remove(state.Swarm);
            return;
        }
        if (memory.Holders.FirstOrDefault(Knows) is not { } holder)
            return;
        Count++;
        if (Inheritance.Progress(state).CompareTo(Inheritance.Progress(memory.State)) >= 0)
            memories.Remove(state.Swarm);
        else if (memory.BehindSince is not { } since)
            memory.BehindSince = world.Now;
        else if (world.Now - since >= Patience)
            world.Fail($"{holder.Node.Id} is there and knows {state.Run} as {memory.State.Status} in round {memory.State.Round}; {state.Incarnation} goes on with it in round {state.Round}.");
    }

    /// <summary>When all has ended, no run has ended behind what somebody knows who is there.</summary>
    public void CheckAtRest(IReadOnlyDictionary<string, SwarmState> states)
    {
        foreach (var (swarm, memory) in memories)
        {
            if (states.GetValueOrDefault(swarm) is { } state && state.Run == memory.State.Run && !state.Status.IsRemoval()
                && Inheritance.Progress(state).CompareTo(Inheritance.Progress(memory.State)) < 0 && memory.Holders.FirstOrDefault(Knows) is { } holder)
            {
                world.Fail($"{holder.Node.Id} is there and knows {state.Run} as {memory.State.Status} in round {memory.State.Round}; it has ended as {state.Status} in round {state.Round}.");
            }
        }
    }

    public void RetainedLost()
    {
        memories.Clear();
        foreach (var swarm in swarms)
        {
            // Who is not running knows it again when it is back, as long as its disk does.
            var known = nodes.Select(n => (Holder: new Holder(n, n.IsRunning ? n.Process : null, swarm), State: Read(n, swarm)))
                .Where(k => k.State is { } s && !s.Status.IsRemoval() && s.Status != RunStatus.Superseded).OrderByDescending(k => Inheritance.Order(k.State!)).ToArray();
            if (known.Length > 0)
                memories[swarm] = new Memory(known[0].State!, [.. known.Where(k => k.State!.Run == known[0].State!.Run && Inheritance.Progress(k.State) == Inheritance.Progress(known[0].State!)).Select(k => k.Holder)]);
        }
    }

    private bool Knows(Holder holder) => (holder.Process is null ? memories.GetValueOrDefault(holder.Swarm) is { } memory && Has(holder.Node, memory.State) : holder.Node.Process == holder.Process)
        && holder.Node.Process is { IsAlive: true, IsPaused: false } && broker.Hears($"{Evidence.Cluster}.{holder.Node.Id}", There);

    private static bool Has(SimulatedNode node, SwarmState known) => Read(node, known.Swarm) is { } kept
        && kept.Run == known.Run && Inheritance.Progress(kept).CompareTo(Inheritance.Progress(known)) >= 0;

    private static SwarmState? Read(SimulatedNode node, string swarm) => node.Disk.ReadSealed($"swarms/{swarm}.state") is { } content
        ? ProtocolJson.Read<SwarmState>(new ReadOnlySequence<byte>(content), out _) : null;

    /// <summary>Who knows a swarm's run: a process or, where none ran, whichever finds it on the node's disk.</summary>
    private sealed record Holder(SimulatedNode Node, SimulatedProcess? Process, string Swarm);

    /// <summary>The most that anybody knew of a swarm's run when the broker lost everything.</summary>
    private sealed class Memory(SwarmState state, Holder[] holders)
    {
        public SwarmState State => state;

        public Holder[] Holders => holders;

        public TimeSpan? BehindSince { get; set; }
    }
}
