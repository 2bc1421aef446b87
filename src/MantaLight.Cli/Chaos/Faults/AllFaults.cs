using System.Collections.Immutable;
using MantaLight.Cli.Chaos.Plan;

namespace MantaLight.Cli.Chaos.Faults;

/// <summary>Every kind of fault, the most telling first, with how often it comes against the others.</summary>
internal static class AllFaults
{
    /// <summary>The kind that needs disks of its own.</summary>
    public const string DiskFull = "disk_full";

    /// <summary>The kinds by name.</summary>
    public static ImmutableArray<Fault> All { get; } =
    [
        new KillFault("coordinator_killed", 14, FaultRole.Coordinator),
        new BrokerFault("broker_killed", 16, everythingLost: false),
        new KillFault("aggregator_killed", 16, FaultRole.Aggregator),
        new CutFault("connection_cut", 28),
        new KillFault("worker_killed", 18, FaultRole.Worker),
        new BrokerFault("broker_lost", 6, everythingLost: true),
        new PauseFault("coordinator_paused", 10, FaultRole.Coordinator),
        new DiskFault(DiskFull, 14),
        new BlackoutFault("all_killed", 2),
        new KillFault("scheduler_killed", 10, FaultRole.Scheduler),
        new PauseFault("worker_paused", 16, FaultRole.Worker),
        new LatencyFault("latency_added", 16),
        new PauseFault("aggregator_paused", 10, FaultRole.Aggregator),
        new PauseFault("scheduler_paused", 8, FaultRole.Scheduler),
        new FreezeFault("coordinator_frozen", 3),
    ];

    /// <summary>Finds one.</summary>
    public static Fault Find(string name) => All.First(f => f.Kind.Name == name);
}
