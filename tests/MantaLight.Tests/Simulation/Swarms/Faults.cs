using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>What goes wrong in a history, and when. All of it is over some time after the restless part.</summary>
internal sealed class Faults(World world, FaultyBroker broker, HistoryPlan plan, SimulatedNode[] nodes, Evidence evidence)
{
    private readonly Draw draw = Draw.For(plan.Seed, "faults");
    private readonly Draw groups = Draw.For(plan.Seed, "groups");
    private int underWay;

    /// <summary>Whether the world has healed.</summary>
    public bool IsOver => underWay == 0;

    public void Start()
    {
        for (var i = 0; i < plan.Faults; i++)
        {
            underWay++;
            // Most of it while something goes on.
            var moment = draw.Between(TimeSpan.FromSeconds(0.5), plan.Restless);
            world.At(moment, () =>
            {
                Happen();
                underWay--;
            });
        }
    }

    private void Happen()
    {
        var node = Choose();
        switch (draw.Below(19))
        {
            case 0 or 1 or 2 or 3:
                Kill(node);
                break;
            case 4 or 5:
                KillWithin(node);
                break;
            case 6 or 7:
                Pause(node);
                break;
            case 8 or 9:
                Cut(node);
                break;
            case 10 or 11:
                RestartBroker();
                break;
            case 12:
                FillDisk(node);
                break;
            case 13:
                JumpClock(node);
                break;
            case 14:
                SlowDown(node);
                break;
            case 15 or 16:
                CutWithCommit();
                break;
            case 17:
                WakeAtCommit();
                break;
            default:
                KillAll();
                break;
        }
    }

    /// <summary>Any node, but more often one that matters at the moment.</summary>
    private SimulatedNode Choose()
    {
        var important = plan.Swarms.Select(s => evidence.States.GetValueOrDefault(s.Name)).OfType<SwarmState>()
            .SelectMany(s => s.Tasks.Where(t => t.Phase == TaskPhase.Running).SelectMany(t => t.Nodes).Append(s.From)).ToArray();
        var id = important.Length > 0 && draw.Chance(0.6) ? important[draw.Below(important.Length)] : plan.Nodes[draw.Below(plan.Nodes.Length)];
        return nodes.FirstOrDefault(n => n.Id == id) ?? nodes[0];
    }

    private void Kill(SimulatedNode node)
    {
        if (node.Network is { } network)
            network.DiesInSilence = draw.Chance(0.3);
        node.Kill(losesPower: draw.Chance(0.2));
        if (draw.Chance(0.15))
            node.Disk.Corrupt();
        Later(draw.Chance(0.4) ? draw.Between(TimeSpan.Zero, TimeSpan.FromSeconds(2)) : draw.Between(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(40)), node.Start);
    }

    /// <summary>At some await, some publish or some write soon.</summary>
    private void KillWithin(SimulatedNode node)
    {
        if (node is not { IsRunning: true, Process: { } process, Network: { } network, Mounted: { } disk })
            return;
        network.DiesInSilence = draw.Chance(0.3);
        switch (draw.Below(3))
        {
            case 0:
                process.KilledAfterTasks = draw.Between(0, 400);
                break;
            case 1:
                network.KilledAfterPublishes = draw.Between(0, 12);
                break;
            default:
                disk.KilledAfterWrites = draw.Between(0, 8);
                break;
        }
        Later(draw.Between(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30)), () =>
        {
            (process.KilledAfterTasks, network.KilledAfterPublishes, disk.KilledAfterWrites) = (-1, -1, -1);
            node.Start();
        });
    }

    private void KillAll()
    {
        world.Tally.Add(Tally.AllKilled);
        foreach (var node in nodes)
            node.Kill();
        if (draw.Chance(0.5))
            RestartBroker();
        foreach (var node in nodes)
            Later(draw.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)), node.Start);
    }

    private void Pause(SimulatedNode node)
    {
        if (node.Process is not { IsAlive: true } process)
            return;
        world.Tally.Add(Tally.Paused);
        process.Pause();
        Later(draw.Between(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(50)), process.Continue);
    }

    private void Cut(SimulatedNode node)
    {
        if (!node.IsRunning)
            return;
        Network[] cut = [.. GroupOf(node).Where(n => n.IsRunning).Select(n => n.Network).OfType<Network>()];
        world.Tally.Add(cut.Length > 1 ? Tally.GroupCut : Tally.Cut);
        foreach (var network in cut)
            network.Cut(true);
        Later(draw.Between(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(60)), () =>
        {
            foreach (var network in cut)
                network.Cut(false);
        });
    }

    /// <summary>A node alone or, at times, with others that it shares a line with; at least one has another line.</summary>
    private IEnumerable<SimulatedNode> GroupOf(SimulatedNode node) => nodes.Length > 2 && groups.Chance(0.4)
        ? [node, .. nodes.Where(n => n != node).OrderBy(_ => groups.Next()).Take(groups.Between(1, nodes.Length - 2))]
        : [node];

    /// <summary>A coordinator is cut off with a commit on its way, which may take effect when it has been succeeded.</summary>
    private void CutWithCommit()
    {
        if (Coordinator() is not { IsRunning: true, Network: { } network })
            return;
        network.Commits = () =>
        {
            world.Tally.Add(Tally.CutWithCommit);
            network.Cut(true);
        };
        Later(draw.Between(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(60)), () =>
        {
            network.Commits = null;
            network.Cut(false);
        });
    }

    /// <summary>A node that has slept for longer than a silence may take for one wakes, and takes over, while a commit is on its way.</summary>
    private void WakeAtCommit()
    {
        var coordinator = Coordinator();
        var others = nodes.Where(n => n != coordinator && n.IsRunning).ToArray();
        if (coordinator is not { IsRunning: true, Network: { } network } || others.Length == 0)
            return;
        var sleeper = others[draw.Below(others.Length)].Process!;
        sleeper.Pause();
        Later(draw.Between(TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(20)), () => network.Commits = () =>
        {
            world.Tally.Add(Tally.WokenAtCommit);
            sleeper.Continue();
        });
        Later(TimeSpan.FromSeconds(22), sleeper.Continue);
    }

    /// <summary>Who coordinates one of the swarms, as far as the broker knows.</summary>
    private SimulatedNode? Coordinator()
    {
        var id = evidence.States.GetValueOrDefault(plan.Swarms[draw.Below(plan.Swarms.Length)].Name)?.From;
        return nodes.FirstOrDefault(n => n.Id == id);
    }

    private void SlowDown(SimulatedNode node)
    {
        if (node.Network is not { } network)
            return;
        network.IsSlow = true;
        Later(draw.Between(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30)), () => network.IsSlow = false);
    }

    private void RestartBroker()
    {
        broker.GoDown(losesRetained: draw.Chance(0.4));
        Later(draw.Between(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(12)), broker.ComeUp);
    }

    private void FillDisk(SimulatedNode node)
    {
        node.Disk.IsFull = true;
        Later(draw.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20)), () => node.Disk.IsFull = false);
    }

    private void JumpClock(SimulatedNode node)
    {
        if (node.Process is not { } process)
            return;
        world.Trace.Add("jump", process.Name);
        world.Tally.Add(Tally.ClockJump);
        process.Clock.Skew += draw.Of(TimeSpan.FromHours(-3), TimeSpan.FromSeconds(-40), TimeSpan.FromSeconds(40), TimeSpan.FromHours(3), TimeSpan.FromDays(2));
    }

    private void Later(TimeSpan after, Action action)
    {
        underWay++;
        world.After(after, () =>
        {
            action();
            underWay--;
        });
    }
}
