using System.Collections.Immutable;
using MantaLight.Cli.Chaos.Plan;
using MantaLight.Cli.Chaos.Processes;
using MantaLight.Cli.Chaos.Watch;
using MantaLight.Cli.Data;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;

namespace MantaLight.Cli.Chaos.Faults;

/// <summary>Where a fault happens: the swarm, the moment, and the fault's own dice.</summary>
internal sealed class FaultScene(
    PlannedFault fault, ChaosCluster cluster, Roles roles, WorkTime work, bool lastOfTask, bool endsRun, TimeProvider time,
    CancellationToken cancelled)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan StartOfWork = TimeSpan.FromSeconds(10);

    // Whoever is to be killed at work has not done it yet.
    private const double LatestKill = 0.6;

    private readonly SeededRandom random = new(fault.Seed, 1);

    /// <summary>The swarm.</summary>
    public ChaosCluster Cluster => cluster;

    /// <summary>What it tells.</summary>
    public Wire Wire => cluster.Wire;

    /// <summary>The round of the plan.</summary>
    public int Round => fault.Round;

    /// <summary>The task of the plan.</summary>
    public string Alias => fault.Alias;

    /// <summary>Whether the fault has found the one it strikes at work, or, where it strikes nobody in particular, anybody.</summary>
    public bool IsAtWork { get; private set; }

    /// <summary>The moment.</summary>
    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>How long the task takes nodes that nobody disturbs.</summary>
    public WorkTime Work => work;

    /// <summary>A number from 0 to 1.</summary>
    public double Draw() => random.NextDouble();

    /// <summary>A time between two bounds.</summary>
    public TimeSpan Between(double leastSeconds, double mostSeconds) => TimeSpan.FromSeconds(leastSeconds + (random.NextDouble() * (mostSeconds - leastSeconds)));

    /// <summary>One of those who hold the role that is to be struck.</summary>
    public ChaosNode Choose(FaultRole role)
    {
        var holders = Roles.Holders(role, Wire.View, Round, Alias);
        return holders.IsEmpty ? One(cluster.Nodes) : cluster.Find(holders[random.Next(holders.Length)]) ?? One(cluster.Nodes);
    }

    /// <summary>One of those between whom blobs are about to cross.</summary>
    public ChaosNode ChooseOnTheLine()
    {
        // A task for one node reads what the others serve; one for all nodes reads a global, which its maker has already.
        if (roles.IsForOneNode(Alias))
            return Draw() < 0.5 ? Choose(FaultRole.Reader) : One(cluster.Nodes);
        var maker = roles.Aggregator is { } aggregator ? Wire.View.Task(Round, aggregator)?.Nodes.FirstOrDefault() : null;
        var readers = Roles.Holders(FaultRole.Reader, Wire.View, Round, Alias).Remove(maker ?? "");
        return readers.IsEmpty ? Choose(FaultRole.Reader) : cluster.Find(One(readers))!;
    }

    /// <summary>One of some.</summary>
    public T One<T>(ImmutableArray<T> some) => some[random.Next(some.Length)];

    /// <summary>
    /// Where the fault is to come at work: lets the node's attempt, or, with the last fault of a task, all of the task's
    /// attempts begin, and waits until the moment of the plan. What is killed then is done again, and held again.
    /// </summary>
    /// <returns>Whether anything works now.</returns>
    public async Task<bool> WorkAsync(string node, bool untilMoment = true)
    {
        var open = Wire.View.Open(Round, Alias);
        var leavesItUndone = fault.Kind.Kills && open.Contains(node);
        // With the last attempt the task would end, and later faults of it would come too late.
        // So it would where a kill comes too late; at the end of the run that is not risked.
        if (!fault.AtWork || (!lastOfTask && open.Length < 2 && (endsRun || !leavesItUndone)))
            return false;
        var worker = open.IsEmpty || open.Contains(node) ? node : open[random.Next(open.Length)];
        var released = Now;
        if (lastOfTask)
            cluster.Brake.Release(Round, Alias);
        else
            cluster.Brake.Release(Round, Alias, worker);
        if (!untilMoment)
            return true;
        // Since then: what it had said of an attempt before is no news.
        await Wire.UntilAsync(v => v.IsPast(Round, Alias) || v.SaidSince(new Place(Round, Alias, worker), released) is not null and not TaskAccepted, StartOfWork, cancelled);
        await DelayAsync(leavesItUndone ? Math.Min(fault.Moment, LatestKill) * work.Shortest : fault.Moment * work.Longest);
        if (!lastOfTask)
            cluster.Brake.Hold(Round, Alias, worker);
        var struck = fault.Kind.Role == FaultRole.Everybody ? open : [node];
        IsAtWork = struck.Any(n => Wire.View.SaidSince(new Place(Round, Alias, n), released) is TaskRunning);
        return true;
    }

    /// <summary>Waits.</summary>
    public Task DelayAsync(TimeSpan delay) => Task.Delay(delay, time, cancelled);

    /// <summary>Waits for the proof that something has recovered.</summary>
    /// <returns>How long it took, in seconds; null where the run completed before.</returns>
    /// <exception cref="ChaosException">It did not.</exception>
    public async Task<double?> ProveAsync(Func<WireView, bool> proof, DateTimeOffset since, string what)
    {
        var told = await Wire.UntilAsync(v => proof(v) || v.State?.Status.IsFinal() == true, Patience, cancelled)
            ?? throw new ChaosException($"{what}: not seen within {Patience.TotalSeconds:F0} s.");
        var view = Wire.View;
        if (view.State is { } state && state.Status.IsFinal() && state.Status != RunStatus.Completed)
            throw new ChaosException($"{what}: not seen before the swarm ended as {Texts.Snake(state.Status)} ({state.Reason}).");
        // A run that has completed needs nobody to recover.
        return proof(view) ? Math.Max(0, (told - since).TotalSeconds) : null;
    }

    /// <summary>Waits until something is seen, or for as long as it is worth.</summary>
    public async Task<bool> SeeAsync(Func<WireView, bool> told, TimeSpan patience) => await Wire.UntilAsync(told, patience, cancelled) is not null;

    /// <summary>Waits until everybody is there and who has claimed to coordinate does, as told since a moment.</summary>
    /// <exception cref="ChaosException">They do not come.</exception>
    public async Task SettleAsync(DateTimeOffset since)
    {
        if (await Wire.UntilAsync(v => v.State?.Status.IsFinal() == true || Recovery.IsSettled(v, cluster.Nodes, since), Patience, cancelled) is null)
            throw new ChaosException($"After {fault.Kind.Name}: not everybody is there again within {Patience.TotalSeconds:F0} s.");
    }

    /// <summary>The end of the trial.</summary>
    public CancellationToken Cancelled => cancelled;
}
