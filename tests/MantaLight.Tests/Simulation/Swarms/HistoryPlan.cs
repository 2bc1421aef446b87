using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using MantaLight.Swarms;

namespace MantaLight.Simulation;

/// <summary>What a seed decides about a history before it begins.</summary>
internal sealed record HistoryPlan
{
    public required long Seed { get; init; }

    public required ImmutableArray<string> Nodes { get; init; }

    public required ImmutableArray<SwarmPlan> Swarms { get; init; }

    public required BrokerTemper Temper { get; init; }

    /// <summary>How many faults happen; the world heals after the last.</summary>
    public required int Faults { get; init; }

    /// <summary>When the last fault begins, and the owner does the last thing.</summary>
    public required TimeSpan Restless { get; init; }

    /// <summary>Whether clocks are off.</summary>
    public required bool SkewsClocks { get; init; }

    public Mutation Mutation { get; init; }

    public static HistoryPlan Of(long seed)
    {
        var draw = Draw.For(seed, "plan");
        var nodes = draw.Of(2, 2, 3, 3, 3, 4, 4, 5, 6);
        var swarms = draw.Chance(0.25) ? 2 : 1;
        return new HistoryPlan
        {
            Seed = seed,
            Nodes = [.. Enumerable.Range(0, nodes).Select(i => string.Create(CultureInfo.InvariantCulture, $"node_{i}"))],
            Swarms = [.. Enumerable.Range(0, swarms).Select(i => SwarmPlan.Of(draw, i, nodes)).Select(s => s.Drawn(Draw.For(seed, $"{s.Name}/barrier"), nodes))],
            Temper = BrokerTemper.Of(draw),
            Faults = draw.Of(0, 1, 1, 2, 2, 3, 3, 4, 6, 8),
            Restless = draw.Between(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(40)),
            SkewsClocks = draw.Chance(0.3),
        };
    }

    /// <summary>The same history with all of its swarms waiting for their nodes.</summary>
    public HistoryPlan WithBarriers() => this with { Swarms = [.. Swarms.Select(s => s with { Buffer = null })] };

    /// <summary>The same history with no swarm waiting for its nodes.</summary>
    public HistoryPlan WithoutBarriers() => this with { Swarms = [.. Swarms.Select(s => s.WithoutBarrier(Draw.For(Seed, $"{s.Name}/buffer"), Nodes.Length))] };

    /// <summary>The same swarms without anything going wrong.</summary>
    public HistoryPlan Undisturbed() => this with
    {
        Temper = new BrokerTemper(), Faults = 0, SkewsClocks = false, Swarms = [.. Swarms.Select(s => s with { Whims = 0, MinimumNodes = Nodes.Length })],
    };
}

/// <summary>One swarm of a history.</summary>
internal sealed record SwarmPlan
{
    public required string Name { get; init; }

    public required int Rounds { get; init; }

    public required int MinimumNodes { get; init; }

    /// <summary>A part of the nodes or, from 2, that many.</summary>
    public required double Quorum { get; init; }

    public ShortfallPolicy OnShortfall { get; init; }

    public required int Retries { get; init; }

    public int LeaveOutAfter { get; init; } = 2;

    public required TimeSpan Deadline { get; init; }

    /// <summary>No task has less time, also where deadlines adapt.</summary>
    public static TimeSpan ShortestDeadline { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether the deadline follows what tasks have taken of late.</summary>
    public bool Adapts { get; init; }

    /// <summary>Whether two ways lead from the worker to the scheduler, each with a global of its own.</summary>
    public bool Forks { get; init; }

    /// <summary>How many records fill a round's buffer; null where rounds wait for their nodes.</summary>
    public int? Buffer { get; init; }

    /// <summary>How many rounds later a record may count.</summary>
    public int Staleness { get; init; }

    /// <summary>When the owner publishes it.</summary>
    public required TimeSpan Published { get; init; }

    /// <summary>How many more things the owner does with it.</summary>
    public required int Whims { get; init; }

    /// <summary>The type of the task that trains.</summary>
    public string Worker { get; init; } = nameof(PatientWorker);

    /// <summary>Whether nothing but its owner may end it before its last round.</summary>
    public bool MustComplete => OnShortfall == ShortfallPolicy.Wait || Retries >= 20;

    public static SwarmPlan Of(Draw draw, int number, int nodes)
    {
        var strict = draw.Chance(0.6);
        return new SwarmPlan
        {
            Name = number == 0 ? "alpha" : "beta",
            Rounds = draw.Between(2, strict ? 4 : 6),
            MinimumNodes = draw.Between(1, nodes),
            Quorum = strict ? 1 : draw.Of(0.5, 0.5, 1, 2),
            OnShortfall = strict ? ShortfallPolicy.Stop : draw.Of(ShortfallPolicy.Stop, ShortfallPolicy.Wait, ShortfallPolicy.Skip),
            Retries = strict ? 20 : draw.Between(0, 2),
            LeaveOutAfter = draw.Between(0, 2),
            Deadline = TimeSpan.FromSeconds(strict ? 600 : draw.Between(6, 30)),
            Adapts = !strict && draw.Chance(0.5),
            Forks = draw.Chance(0.3),
            Published = draw.Between(TimeSpan.Zero, TimeSpan.FromSeconds(6)),
            Whims = draw.Of(0, 0, 0, 1, 2),
        };
    }

    /// <summary>Without a barrier in some histories; drawn apart, so that the others stay what they were.</summary>
    public SwarmPlan Drawn(Draw draw, int nodes) => draw.Chance(0.2) ? WithoutBarrier(draw, nodes) : this;

    /// <summary>The same swarm without a barrier.</summary>
    public SwarmPlan WithoutBarrier(Draw draw, int nodes) =>
        this with { Buffer = draw.Between(1, nodes), Staleness = draw.Between(0, 5), Rounds = 2 * Rounds, Forks = false };

    /// <summary>The hash of a version of the definition.</summary>
    public string Hash(int version) => Hashes.GetOrAdd(Definition(version), static json => SwarmJson.HashOf(SwarmJson.Parse(Encoding.UTF8.GetBytes(json))));

    private static readonly ConcurrentDictionary<string, string> Hashes = new(StringComparer.Ordinal);

    /// <summary>The definition; a redeployed one differs in its seed.</summary>
    public string Definition(int version) => string.Create(CultureInfo.InvariantCulture, $$"""
        {
          "name": "{{Name}}", "module": "{{SimulatedNode.Module}}", "seed": {{version}}, "setup": "PatientSetup",
          "globals": { "length": 600, "seed": {{version}} },
          "tasks": [
            { "alias": "worker", "type": "{{Worker}}", "method": "all"{{(Buffer is { } buffer ? string.Create(CultureInfo.InvariantCulture, $", \"asynchronous\": {{ \"buffer\": {buffer}, \"maximum_staleness\": {Staleness} }}") : "")}} },
            { "alias": "aggregator", "type": "{{(Buffer is null ? "FedAvg" : "FedBuff")}}", "after": ["worker"] },
            { "alias": "test", "type": "PatientTest", "method": "all", "after": ["aggregator"] },{{(Forks ? """ { "alias": "audit", "type": "PatientAudit", "after": ["worker"] },""" : "")}}
            { "alias": "scheduler", "type": "PatientScheduler", "after": [{{(Forks ? "\"audit\", " : "")}}"test"] }
          ],
          "rounds": {
            "maximum": {{Rounds}}, "deadline": "{{Deadline:c}}", "minimum_nodes": {{MinimumNodes}}, "retries": {{Retries}}, "leave_out_after": {{LeaveOutAfter}},
            "quorum": {{Quorum:0.##}}, "on_shortfall": "{{RoundsReader.NameOf(OnShortfall)}}"{{(Adapts ? """, "adaptive_deadline": { "factor": 2.5, "floor": "00:00:05" }""" : "")}}
          }
        }
        """);
}
