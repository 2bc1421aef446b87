using System.Collections.Immutable;
using MantaLight.Protocol;

namespace MantaLight.Cli.Chaos.Watch;

/// <summary>A coordinator's sign of life: a beat or a state.</summary>
internal readonly record struct CoordinatorAct(long Term, string From, string Incarnation, DateTimeOffset Sent);

/// <summary>A place of a round: a task on a node.</summary>
internal readonly record struct Place(int Round, string Alias, string Node);

/// <summary>A swarm as the wire has told it so far.</summary>
internal sealed record WireView
{
    /// <summary>The nodes' presence.</summary>
    public ImmutableSortedDictionary<string, Presence> Nodes { get; init; } = ImmutableSortedDictionary.Create<string, Presence>(StringComparer.Ordinal);

    /// <summary>The last claim; null before the first.</summary>
    public CoordinatorClaim? Claim { get; init; }

    /// <summary>The last beat or state.</summary>
    public CoordinatorAct? Act { get; init; }

    /// <summary>The last state.</summary>
    public SwarmState? State { get; init; }

    /// <summary>When the definition was last seen on its topic.</summary>
    public DateTimeOffset Defined { get; init; }

    /// <summary>The last word about each place.</summary>
    public ImmutableDictionary<Place, TaskUpdate> Updates { get; init; } = [];

    /// <summary>What was executed: each attempt by each incarnation of a node.</summary>
    public ImmutableHashSet<(Place Place, string Attempt, string Incarnation)> Executions { get; init; } = [];

    /// <summary>The finished rounds.</summary>
    public ImmutableSortedDictionary<int, RoundSummary> Rounds { get; init; } = ImmutableSortedDictionary<int, RoundSummary>.Empty;

    /// <summary>Executions beyond the first of each place; a task that moved to another node was executed twice.</summary>
    public int Reexecuted(Predicate<string> isForOneNode) =>
        Executions.Count - Executions.Select(e => isForOneNode(e.Place.Alias) ? e.Place with { Node = "" } : e.Place).Distinct().Count();

    /// <summary>A task of the round under way; null where the round is another or has no such task.</summary>
    public TaskState? Task(int round, string alias) =>
        State is { } state && state.Round == round ? state.Tasks.FirstOrDefault(t => t.Alias == alias) : null;

    /// <summary>Whether a task of a round is over.</summary>
    public bool IsPast(int round, string alias) => State is { } state
        && (state.Round > round || state.Status.IsFinal() || Task(round, alias)?.Phase is TaskPhase.Committed or TaskPhase.Skipped);

    /// <summary>The nodes whose part of a running task is not completed yet.</summary>
    public ImmutableArray<string> Open(int round, string alias) => Task(round, alias) is { Phase: TaskPhase.Running } task
        ? [.. task.Nodes.Where(n => Updates.GetValueOrDefault(new Place(round, alias, n)) is not TaskCompleted)]
        : [];

    /// <summary>The last word about a place, where it was said since a moment.</summary>
    public TaskUpdate? SaidSince(Place place, DateTimeOffset since) => Updates.GetValueOrDefault(place) is { } update && update.Sent >= since ? update : null;

    /// <summary>What one message adds.</summary>
    public WireView With(ControlMessage message) => message switch
    {
        Presence presence => this with { Nodes = Nodes.SetItem(presence.From, presence) },
        CoordinatorClaim claim => this with { Claim = claim },
        CoordinatorBeat beat => this with { Act = new CoordinatorAct(beat.Term, beat.From, beat.Incarnation, beat.Sent) },
        SwarmState state => this with
        {
            State = state,
            Act = new CoordinatorAct(state.Term, state.From, state.Incarnation, state.Sent),
            Rounds = state.History.Aggregate(Rounds, (all, r) => all.SetItem(r.Round, r)),
        },
        TaskUpdate update => With(update),
        _ => this,
    };

    private WireView With(TaskUpdate update)
    {
        var place = new Place(update.Round, update.Alias, update.From);
        // A late report of progress does not undo the record.
        if (Updates.GetValueOrDefault(place) is TaskCompleted done && done.Attempt == update.Attempt && update is not TaskCompleted)
            return this;
        return this with
        {
            Updates = Updates.SetItem(place, update),
            Executions = update is TaskRunning ? Executions.Add((place, update.Attempt, update.Incarnation)) : Executions,
        };
    }
}
