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

    /// <summary>The highest start that is remembered, where it is higher than this run's; else 0.</summary>
    public int Counted { get; init; }

    public required CoordinatorTiming Timing { get; init; }

    public RunStatus Status { get; init; } = RunStatus.Starting;

    public string? Reason { get; init; }

    public string? Waiting { get; init; }

    /// <summary>When the wait was last put into words.</summary>
    public DateTimeOffset WaitingTold { get; init; }

    /// <summary>When it was last published.</summary>
    public DateTimeOffset Published { get; init; }

    /// <summary>Whether there is news that may wait a little for company.</summary>
    public bool HasNews { get; init; }

    public bool Paused { get; init; }

    /// <summary>0 is the setup task's.</summary>
    public int Round { get; init; }

    public bool SetUp { get; init; }

    public string? FromAlias { get; init; }

    public ImmutableArray<string>? FromNodes { get; init; }

    /// <summary>How many nodes the request wanted for the round's first task.</summary>
    public double? FromMaximum { get; init; }

    /// <summary>Of the rounds that are over.</summary>
    public double Seconds { get; init; }

    public DateTimeOffset Began { get; init; }

    public DateTimeOffset RoundBegan { get; init; }

    /// <summary>While set, reports of a predecessor's attempts are collected and nothing is scheduled.</summary>
    public DateTimeOffset? RollCallUntil { get; init; }

    /// <summary>Members whose turn in the roll call has not come.</summary>
    public ImmutableQueue<string> Uncalled { get; init; } = [];

    /// <summary>How many have been called.</summary>
    public int Called { get; init; }

    /// <summary>Whether its process has never seen anybody coordinate: all nodes may have been shut down, and come back one by one.</summary>
    public bool IsCold { get; init; }

    /// <summary>When this coordinator took the run over; absent for one that began it.</summary>
    public DateTimeOffset? TookOver { get; init; }

    public ImmutableSortedDictionary<string, Member> Members { get; init; } = Ordered<Member>();

    public ImmutableSortedDictionary<string, TaskRound> Tasks { get; init; } = Ordered<TaskRound>();

    /// <summary>Committed by tasks; the definition's are not repeated here.</summary>
    public ImmutableSortedDictionary<string, GlobalEntry> Globals { get; init; } = Ordered<GlobalEntry>();

    /// <summary>What tasks of this round have replaced, in the order of their commits.</summary>
    public ImmutableArray<ReplacedGlobal> Replaced { get; init; } = [];

    /// <summary>Blobs that were replaced in this round: kept until it is over for readers under way, then cleared.</summary>
    public ImmutableArray<BlobRef> Retiring { get; init; } = [];

    /// <summary>Hashes of those that are being cleared now: only what is known to be cleared is forgotten.</summary>
    public ImmutableHashSet<string> Clearing { get; init; } = [];

    public ImmutableSortedDictionary<string, ImmutableArray<string>> FixedPlacement { get; init; } = Ordered<ImmutableArray<string>>();

    /// <summary>Where tasks that follow are likely to run, by alias.</summary>
    public ImmutableDictionary<string, ForeseenHost> Foreseen { get; init; } = ImmutableDictionary<string, ForeseenHost>.Empty;

    /// <summary>Nodes that have failed in the rounds before.</summary>
    public ImmutableSortedDictionary<string, Absence> Absences { get; init; } = Ordered<Absence>();

    /// <summary>When the tasks of the round before were committed.</summary>
    public ImmutableSortedDictionary<string, DateTimeOffset> CommitsBefore { get; init; } = Ordered<DateTimeOffset>();

    /// <summary>Hashes of globals that are nowhere to be had.</summary>
    public ImmutableSortedSet<string> Missed { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>Hashes of the globals that attempts of tasks without a barrier may read, by the round in which they began.</summary>
    public ImmutableSortedDictionary<int, ImmutableArray<string>> ReadIn { get; init; } = Rounds<ImmutableArray<string>>();

    public ImmutableArray<RoundSummary> History { get; init; } = [];

    public Traffic Traffic { get; init; } = new();

    public static ImmutableSortedDictionary<string, T> Ordered<T>() =>
        ImmutableSortedDictionary.Create<string, T>(StringComparer.Ordinal);

    public static ImmutableSortedDictionary<int, T> Rounds<T>() => ImmutableSortedDictionary<int, T>.Empty;

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
