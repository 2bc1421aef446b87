using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>One history: nodes, a broker, an owner and the faults that a seed gives, until every swarm has ended and is removed.</summary>
internal sealed class History
{
    /// <summary>After the world has healed, everything must end within this time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    private readonly HistoryPlan plan;
    private readonly World world;
    private readonly Evidence evidence;
    private readonly FaultyBroker broker;
    private readonly FootprintCheck footprint;
    private readonly MemoryCheck memory;
    private readonly SimulatedNode[] nodes;
    private readonly Owner owner;
    private readonly Faults faults;

    private int finals;

    private History(HistoryPlan plan, bool writesTrace)
    {
        this.plan = plan;
        world = new World(plan.Seed, writesTrace);
        evidence = new Evidence(world, plan);
        broker = new FaultyBroker(world, plan.Temper, Draw.For(plan.Seed, "broker"), evidence);
        var mutations = new Mutations(plan.Mutation);
        nodes = [.. plan.Nodes.Select(id => new SimulatedNode(world, broker, plan, id, evidence, mutations))];
        evidence.Add(memory = new MemoryCheck(world, broker, nodes));
        evidence.Add(footprint = new FootprintCheck(world, plan, broker, nodes));
        owner = new Owner(world, broker, plan);
        faults = new Faults(world, broker, plan, nodes, evidence);
    }

    public static Outcome Run(HistoryPlan plan, bool writesTrace = false)
    {
        var history = new History(plan, writesTrace);
        return history.Run();
    }

    private Outcome Run()
    {
        var draw = Draw.For(plan.Seed, "start");
        foreach (var node in nodes)
            world.At(draw.Between(TimeSpan.Zero, TimeSpan.FromSeconds(3)), node.Start);
        owner.Start();
        LookAfter();
        faults.Start();
        Phase("Not every swarm ended", () => owner.IsDone && faults.IsOver && plan.Swarms.All(HasEnded));
        var ended = world.Now;
        foreach (var swarm in plan.Swarms.Where(s => s.MustComplete))
        {
            if (evidence.States.GetValueOrDefault(swarm.Name) is { Status: RunStatus.Failed or RunStatus.Refused } state && !IsDestroyed(state))
                world.Fail($"Swarm {swarm.Name} is {state.Status}, although its faults could be overcome: {state.Reason}");
        }
        // All hear of the end, and what its owner has said just before it takes effect.
        world.Run(() => false, world.Now + TimeSpan.FromSeconds(30));
        Phase("Not every swarm ended", () => owner.IsDone && plan.Swarms.All(HasEnded));
        CheckFinals();
        var before = evidence.States.ToDictionary(s => s.Key, s => s.Value, StringComparer.Ordinal);
        LoseAll();
        CheckQuiet();
        CheckThere(before);
        var ends = plan.Swarms.Select(s => evidence.States.GetValueOrDefault(s.Name)?.Status ?? RunStatus.Starting).ToArray();
        owner.RemoveAll();
        Phase("Something is left after the removal", () => owner.IsDone && IsClean());
        foreach (var node in nodes)
            node.Stop();
        Phase("Not every node stopped", () => nodes.All(n => !n.IsRunning));
        return new Outcome(plan.Seed, world.Failure, world.Trace.Hash, world.Trace.Lines, ends)
        {
            Ended = ended, Faults = world.Tally, Steps = world.Steps, Messages = evidence.Messages, Bytes = evidence.Bytes, Attempts = evidence.Attempts.Count,
            Commits = evidence.Values.Count, Partial = evidence.Values.Partial, Audits = evidence.Values.Audits, Finals = finals, Buffers = evidence.Buffers.Count, Late = evidence.Buffers.Late, Memories = memory.Count,
        };
    }

    private void Phase(string failure, Func<bool> isOver)
    {
        if (world.Failure is not null || world.Run(isOver, world.Now + plan.Restless + Patience) || world.Failure is not null)
            return;
        world.Fail($"{failure}:\n{string.Join('\n', Leftovers())}");
    }

    // Once more, in some histories, when the owner looks after nothing any more.
    private void LoseAll()
    {
        var draw = Draw.For(plan.Seed, "end");
        if (world.Failure is not null || !draw.Chance(0.25))
            return;
        broker.GoDown(losesRetained: true);
        world.Run(() => false, world.Now + draw.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20)));
        broker.ComeUp();
        world.Run(() => false, world.Now + TimeSpan.FromMinutes(1));
    }

    /// <summary>Where all nodes took part in every round, whatever happened meanwhile, the last global is that of a run in which nothing did.</summary>
    private void CheckFinals()
    {
        if (world.Failure is not null || evidence.Values.Partial > 0)
            return;
        foreach (var swarm in plan.Swarms.Where(s => s.Buffer is null))
        {
            if (evidence.States.GetValueOrDefault(swarm.Name) is not { Status: RunStatus.Completed } state || state.History.Any(h => h.Skipped is not null))
                continue;
            var hash = state.Globals.Single(g => g.Tag == VectorMath.Global).Content.Blob!.Sha256;
            if (hash != ValueCheck.Undisturbed(plan.Nodes, swarm.Rounds))
                world.Fail($"{swarm.Name} has ended with global {hash[..8]}, which is not that of an undisturbed run of {swarm.Rounds} rounds.");
            finals++;
        }
    }

    /// <summary>When all has ended nobody stands for election any more, and nothing of what went before is kept.</summary>
    private void CheckQuiet()
    {
        if (world.Failure is not null)
            return;
        world.Run(() => false, world.Now + TimeSpan.FromMinutes(1));
        var claims = evidence.Claims;
        world.Run(() => false, world.Now + TimeSpan.FromMinutes(1));
        if (world.Failure is null && evidence.Claims > claims)
            world.Fail($"{evidence.Claims - claims} claims within a minute, although every swarm has ended.");
        if (world.Failure is null)
            footprint.CheckAtRest(evidence.States);
        if (world.Failure is null)
            memory.CheckAtRest(evidence.States);
    }

    /// <summary>What has ended stands on the broker until its owner removes it: members put it back where the broker has lost it.</summary>
    private void CheckThere(Dictionary<string, SwarmState> before)
    {
        if (world.Failure is not null)
            return;
        foreach (var (name, _) in owner.Versions.Where(v => v.Value != 0))
        {
            if (!broker.Retained.ContainsKey(owner.Topics.Definition(name)))
                world.Fail($"The definition of {name}, which has ended, is not on the broker.");
            if (!broker.Retained.ContainsKey(owner.Topics.State(name)))
                world.Fail($"The state of {name}, which has ended, is not on the broker.");
            var (was, now) = (before[name], evidence.States[name]);
            if ((was.Run, was.Status, was.Round) != (now.Run, now.Status, now.Round) || !was.Globals.Select(g => (g.Tag, g.Version)).SequenceEqual(now.Globals.Select(g => (g.Tag, g.Version))))
                world.Fail($"{was.Run} had ended as {was.Status} in round {was.Round}; after the broker lost everything it is {now.Run}, {now.Status} in round {now.Round}.");
            // Of a global of which the copies were spoiled none may be left.
            foreach (var blob in now.Globals.Select(g => g.Content.Blob).OfType<BlobRef>().Where(b => nodes.Any(n => n.Disk.HasIntact($"blobs/{b.Sha256}", b.Sha256))))
            {
                for (var i = 0; i < blob.ChunkCount; i++)
                {
                    if (!broker.Retained.ContainsKey(owner.Topics.SwarmBlob(name, blob.Sha256, i)))
                        world.Fail($"Chunk {i} of a global of {name}, which has ended, is not on the broker.");
                }
            }
        }
    }

    private void LookAfter() => world.After(TimeSpan.FromSeconds(20), () =>
    {
        if (world.Now > plan.Restless)
        {
            foreach (var swarm in plan.Swarms.Where(s => !HasEnded(s)))
            {
                var state = evidence.States.GetValueOrDefault(swarm.Name);
                owner.LookAfter(swarm, state, state is not null && IsDestroyed(state));
            }
        }
        LookAfter();
    });

    private bool HasEnded(SwarmPlan swarm)
    {
        var version = owner.Versions[swarm.Name];
        // Removed before anybody had begun it, it leaves nothing.
        if (!evidence.States.TryGetValue(swarm.Name, out var state))
            return version == 0;
        // What the broker has lost before anybody had heard of it is removed by the definition's removal.
        if (version == 0)
            return state.Status == RunStatus.Removed || !broker.Retained.ContainsKey(owner.Topics.State(swarm.Name));
        // An older definition that was lost and found may have superseded the newest: that is the owner's to publish again.
        return state.Status.IsFinal() && state.Status != RunStatus.Superseded && state.Definition == swarm.Hash(version);
    }

    // Of a global of which a copy was spoiled no other may have been left.
    private bool IsDestroyed(SwarmState state) => (state.Reason ?? state.Waiting)?.Contains("is lost unless", StringComparison.Ordinal) == true
        && state.Globals.Any(g => g.Content.Blob is { } blob && nodes.Any(n => n.Disk.Spoiled.Contains($"blobs/{blob.Sha256}"))
            && !nodes.Any(n => n.Disk.HasIntact($"blobs/{blob.Sha256}", blob.Sha256)));

    private bool IsClean() => !Leftovers().Any();

    // Where a broker does not tell what it retains, what a killed node had put there, and no state has named, is found by nobody.
    private bool IsUnfindable(string topic) => !plan.Temper.Limits.ReplaysRetainedByWildcard
        && topic.Split('/') is [.., var swarm, "blobs", var hash, _] && !evidence.Blobs.Named.Contains((swarm, hash));

    private IEnumerable<string> Leftovers()
    {
        foreach (var swarm in plan.Swarms)
        {
            var state = evidence.States.GetValueOrDefault(swarm.Name);
            if (!HasEnded(swarm))
                yield return string.Create(CultureInfo.InvariantCulture, $"{swarm.Name} is {state?.Status} in round {state?.Round}, start {state?.Start}, term {state?.Term}: {state?.Waiting}{state?.Reason}");
            if (owner.Versions[swarm.Name] != 0)
                continue;
            var root = owner.Topics.Definition(swarm.Name);
            foreach (var topic in broker.Retained.Keys.Where(k => k.StartsWith(root, StringComparison.Ordinal) && k != owner.Topics.State(swarm.Name)))
            {
                if (!IsUnfindable(topic))
                    yield return $"retained: {topic}";
            }
        }
        if (owner.Versions.Values.All(v => v == 0))
        {
            foreach (var node in nodes)
            {
                // Whose copy of a definition was spoiled keeps the state, and what that needs, for a day: others may have the definition.
                var orphans = plan.Swarms.Where(s => node.Disk.Spoiled.Contains($"swarms/{s.Name}.definition")).Select(s => $"swarms/{s.Name}.state").ToHashSet();
                var hasOrphan = node.Disk.Names.Any(orphans.Contains);
                foreach (var name in node.Disk.Names.Where(name => !hasOrphan || !(orphans.Contains(name) || name.StartsWith("blobs/", StringComparison.Ordinal))))
                    yield return $"on the disk of {node.Id}: {name}";
            }
        }
    }
}
