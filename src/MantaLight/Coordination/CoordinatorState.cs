using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>All that a coordinator knows of its swarm. Immutable: a step makes a new one.</summary>
internal sealed record CoordinatorState
{
    public required string Swarm { get; init; }

    public required SwarmDefinition Definition { get; init; }

    public required RunId Run { get; init; }

    public required long Term { get; init; }

    public required CoordinatorTiming Timing { get; init; }

    public RunStatus Status { get; init; } = RunStatus.Starting;

    public string? Reason { get; init; }

    public string? Waiting { get; init; }

    public bool Paused { get; init; }

    /// <summary>0 is the setup task's.</summary>
    public int Round { get; init; }

    public bool SetUp { get; init; }

    public string? FromAlias { get; init; }

    public ImmutableArray<string>? FromNodes { get; init; }

    public DateTimeOffset Began { get; init; }

    public DateTimeOffset RoundBegan { get; init; }

    /// <summary>While set, reports of a predecessor's attempts are collected and nothing is scheduled.</summary>
    public DateTimeOffset? RollCallUntil { get; init; }

    /// <summary>When this coordinator took the run over; absent for one that began it.</summary>
    public DateTimeOffset? TookOver { get; init; }

    public ImmutableSortedDictionary<string, Member> Members { get; init; } = Ordered<Member>();

    public ImmutableSortedDictionary<string, TaskRound> Tasks { get; init; } = Ordered<TaskRound>();

    /// <summary>Committed by tasks; the definition's are not repeated here.</summary>
    public ImmutableSortedDictionary<string, GlobalEntry> Globals { get; init; } = Ordered<GlobalEntry>();

    /// <summary>Blobs that were replaced in this round: kept until it is over for readers under way, then cleared.</summary>
    public ImmutableArray<BlobRef> Retiring { get; init; } = [];

    public ImmutableSortedDictionary<string, ImmutableArray<string>> FixedPlacement { get; init; } = Ordered<ImmutableArray<string>>();

    public ImmutableArray<RoundSummary> History { get; init; } = [];

    public Traffic Traffic { get; init; } = new();

    public static ImmutableSortedDictionary<string, T> Ordered<T>() =>
        ImmutableSortedDictionary.Create<string, T>(StringComparer.Ordinal);

    public bool IsRoot(TaskDefinition task) => task.Alias == TaskDefinition.SetupAlias || task.Alias == FromAlias
        || (FromAlias is null && task.After.IsEmpty);

    /// <summary>The definition's globals, overlaid by the committed ones, in tag order.</summary>
    public ImmutableArray<GlobalEntry> EffectiveGlobals()
    {
        var merged = Ordered<GlobalEntry>().ToBuilder();
        foreach (var (tag, value) in Definition.Globals)
            merged[tag] = new GlobalEntry { Tag = tag, Content = new ValueRef { Value = value } };
        foreach (var (tag, entry) in Globals)
            merged[tag] = entry;
        return [.. merged.Values];
    }
}

/// <summary>A node as its presence tells.</summary>
internal sealed record Member(Presence Presence, DateTimeOffset Since)
{
    public bool Online => Presence.Status == NodeStatus.Online;
}

/// <summary>A task in the round under way.</summary>
internal sealed record TaskRound
{
    public required TaskDefinition Task { get; init; }

    public TaskPhase Phase { get; init; }

    /// <summary>The nodes chosen, with their attempts.</summary>
    public ImmutableSortedDictionary<string, Attempt> Placed { get; init; } = CoordinatorState.Ordered<Attempt>();

    /// <summary>Left out of the round, with the reason.</summary>
    public ImmutableSortedDictionary<string, string> LeftOut { get; init; } = CoordinatorState.Ordered<string>();

    public TaskRound With(Attempt attempt) => this with { Placed = Placed.SetItem(attempt.Node, attempt) };
}

internal enum AttemptPhase
{
    /// <summary>Chosen, not scheduled.</summary>
    Waiting,
    Scheduled,
    Accepted,
    Completed,
    Failed,
}

/// <summary>One execution of a task on a node.</summary>
internal sealed record Attempt
{
    public required string Node { get; init; }

    public int Number { get; init; }

    public string Id { get; init; } = "";

    public AttemptPhase Phase { get; init; }

    /// <summary>The node's incarnation that it was sent to.</summary>
    public string Incarnation { get; init; } = "";

    public DateTimeOffset Deadline { get; init; }

    public DateTimeOffset LastSent { get; init; }

    public int Failures { get; init; }

    public string? Trouble { get; init; }

    public TaskCompleted? Record { get; init; }

    public bool IsOpen => Phase is AttemptPhase.Waiting or AttemptPhase.Scheduled or AttemptPhase.Accepted;
}

/// <summary>Bytes of the run: what the members' counters have grown by, and the coordinator connection's own.</summary>
internal sealed record Traffic
{
    public ImmutableSortedDictionary<string, NodeCounter> Nodes { get; init; } = CoordinatorState.Ordered<NodeCounter>();

    public Flow Coordinator { get; init; }

    /// <summary>What earlier coordinators had counted.</summary>
    public Flow Inherited { get; init; }

    /// <summary>The total when the round began.</summary>
    public Flow AtRoundStart { get; init; }

    public Flow Total => Nodes.Values.Aggregate(Coordinator + Inherited, (sum, counter) => sum + counter.Grown);

    /// <summary>A member's word of its counters; those of a new incarnation begin anew.</summary>
    public Traffic Note(string node, string incarnation, Flow read)
    {
        var before = Nodes.GetValueOrDefault(node);
        var grown = before?.Grown ?? default;
        if (before?.Incarnation == incarnation)
            grown += new Flow(Math.Max(0, read.Up - before.Read.Up), Math.Max(0, read.Down - before.Read.Down));
        return this with { Nodes = Nodes.SetItem(node, new NodeCounter(incarnation, read, grown)) };
    }
}

/// <summary>One member's counters: as last read, and by how much they have grown in this run.</summary>
internal sealed record NodeCounter(string Incarnation, Flow Read, Flow Grown);

internal readonly record struct Flow(long Up, long Down)
{
    public static Flow operator +(Flow a, Flow b) => new(a.Up + b.Up, a.Down + b.Down);

    public static Flow operator -(Flow a, Flow b) => new(a.Up - b.Up, a.Down - b.Down);
}

/// <summary>The waits of a coordinator.</summary>
public sealed record CoordinatorTiming
{
    /// <summary>For a schedule message's acceptance, before it is sent again.</summary>
    /// <value>3 seconds.</value>
    public TimeSpan Resend { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>For a node that went offline to be back, before its work is given to another.</summary>
    /// <value>3 seconds.</value>
    public TimeSpan Offline { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>For the members' reports when a coordinator takes over.</summary>
    /// <value>1.5 seconds.</value>
    public TimeSpan RollCall { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>
    /// For a node with a data set or module that no present node has, before the definition is refused; and for the
    /// reports of committed results that a successor still needs, before their nodes make them again.
    /// </summary>
    /// <value>15 seconds.</value>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(15);
}
