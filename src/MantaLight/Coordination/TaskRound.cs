using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>A task in the round under way. Its attempts are counted as they change, since thousands may change at once.</summary>
internal sealed record TaskRound
{
    public required TaskDefinition Task { get; init; }

    public TaskPhase Phase { get; init; }

    /// <summary>The nodes chosen, with their attempts.</summary>
    public ImmutableSortedDictionary<string, Attempt> Placed { get; init; } = CoordinatorState.Ordered<Attempt>();

    /// <summary>How many of the attempts are in which phase.</summary>
    public PhaseCounts Counts { get; init; }

    /// <summary>Of a task without a barrier whose part of the round is over: attempts that go on, with the records that have come since.</summary>
    public ImmutableSortedDictionary<string, Attempt> Carried { get; init; } = CoordinatorState.Ordered<Attempt>();

    /// <summary>Left out of the round although it was chosen, with the reason.</summary>
    public ImmutableSortedDictionary<string, NodeTrouble> LeftOut { get; init; } = CoordinatorState.Ordered<NodeTrouble>();

    /// <summary>Keys of nodes that it was placed on, where they are very many, and that a successor has not seen.</summary>
    public ImmutableHashSet<uint> Unseen { get; init; } = [];

    /// <summary>Nodes on which it has run past its deadline.</summary>
    public ImmutableHashSet<string> Overran { get; init; } = [];

    /// <summary>Nodes that have found to lack what it needs, with their incarnations then.</summary>
    public ImmutableDictionary<string, string> Unfit { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>When it began to run.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>How long it may take on a node.</summary>
    public TimeSpan Deadline { get; init; }

    public DateTimeOffset CommittedAt { get; init; }

    /// <summary>Whether it had been committed before, and only its results are made again.</summary>
    public bool Again { get; init; }

    /// <summary>What it asked for next, where it has been committed and did.</summary>
    public NextRequest? Next { get; init; }

    /// <summary>The slowest attempt of this round so far.</summary>
    public TimeSpan Slowest { get; init; }

    /// <summary>The slowest attempts of the last rounds, oldest first.</summary>
    public ImmutableArray<TimeSpan> Recent { get; init; } = [];

    /// <summary>How many attempts have neither completed nor failed for good.</summary>
    public int Open => Placed.Count - Counts.Completed - Counts.Failed;

    /// <summary>Whether it was placed on one node: only then it may set globals.</summary>
    public bool IsOnOneNode => Total == 1 && Task.Asynchronous is null;

    public static TaskRound Of(TaskDefinition task, IEnumerable<string> nodes, int round)
    {
        var placed = CoordinatorState.Ordered<Attempt>().AddRange(nodes.Select(node => KeyValuePair.Create(node, new Attempt { Node = node, Round = round })));
        return new TaskRound { Task = task, Placed = placed, Counts = new PhaseCounts(placed.Count, 0, 0, 0, 0) };
    }

    /// <summary>How many nodes it was placed on.</summary>
    public int Total => Placed.Count + LeftOut.Count + Unseen.Count;

    public TaskRound With(Attempt attempt)
    {
        var counts = Placed.TryGetValue(attempt.Node, out var before) ? Counts.Add(before, -1) : Counts;
        return this with { Placed = Placed.SetItem(attempt.Node, attempt), Counts = counts.Add(attempt, 1) };
    }

    public TaskRound Without(string node) => Placed.TryGetValue(node, out var attempt)
        ? this with { Placed = Placed.Remove(node), Counts = Counts.Add(attempt, -1) }
        : this;
}

/// <summary>How many attempts are in which phase; all others rest or have been accepted.</summary>
/// <param name="Waiting">Wait for their turn.</param>
/// <param name="Scheduled">Have not been accepted yet.</param>
/// <param name="Completed">Have completed.</param>
/// <param name="Failed">Have failed for good.</param>
/// <param name="Late">Are open, whatever their phase, and have run past their deadline.</param>
internal readonly record struct PhaseCounts(int Waiting, int Scheduled, int Completed, int Failed, int Late)
{
    public PhaseCounts Add(Attempt attempt, int number) =>
        attempt is { IsOpen: true, IsLate: true } ? Add(attempt.Phase, number) with { Late = Late + number } : Add(attempt.Phase, number);

    private PhaseCounts Add(AttemptPhase phase, int number) => phase switch
    {
        AttemptPhase.Waiting => this with { Waiting = Waiting + number },
        AttemptPhase.Scheduled => this with { Scheduled = Scheduled + number },
        AttemptPhase.Completed => this with { Completed = Completed + number },
        AttemptPhase.Failed => this with { Failed = Failed + number },
        _ => this,
    };
}

internal enum AttemptPhase
{
    /// <summary>To be scheduled when its turn comes.</summary>
    Waiting,

    /// <summary>Failed, and to be repeated after a pause.</summary>
    Resting,
    Scheduled,
    Accepted,
    Completed,
    Failed,
}

/// <summary>One execution of a task on a node.</summary>
internal sealed record Attempt
{
    public required string Node { get; init; }

    /// <summary>The round in which it began, whose globals it has.</summary>
    public int Round { get; init; }

    public int Number { get; init; }

    public string Id { get; init; } = "";

    public AttemptPhase Phase { get; init; }

    /// <summary>The node's incarnation that it was sent to.</summary>
    public string Incarnation { get; init; } = "";

    /// <summary>When this number was sent for the first time; absent for a predecessor's.</summary>
    public DateTimeOffset? Began { get; init; }

    public DateTimeOffset Deadline { get; init; }

    public DateTimeOffset LastSent { get; init; }

    /// <summary>0 to 1, as last heard.</summary>
    public double? Progress { get; init; }

    public int Failures { get; init; }

    /// <summary>How often it has run past its deadline.</summary>
    public int Overruns { get; init; }

    public bool IsLate => Overruns > 0;

    /// <summary>When it is repeated.</summary>
    public DateTimeOffset RestsUntil { get; init; }

    public string? Trouble { get; init; }

    /// <summary>How long after the commit its record came.</summary>
    public double? LateSeconds { get; init; }

    public TaskCompleted? Record { get; init; }

    public bool IsOpen => Phase is not (AttemptPhase.Completed or AttemptPhase.Failed);

    public bool IsPastDeadline(DateTimeOffset now) => Deadline != default && Deadline <= now;
}
