using System.Collections.Immutable;
using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>One step: the state so far and the actions that came of it.</summary>
internal sealed class Turn(CoordinatorState state, DateTimeOffset now)
{
    /// <summary>Many nodes in trouble at once are told in few words.</summary>
    private static readonly TimeSpan NewsInterval = TimeSpan.FromSeconds(1);

    private readonly List<CoordinatorAction> actions = [];
    private ((string Alias, int Round, ImmutableSortedDictionary<string, GlobalEntry> Of) Key, ImmutableArray<GlobalEntry> All)? globals;
    private ((string Alias, int Round) Key, ImmutableArray<ScheduledInput> Inputs)? inputs;

    public CoordinatorState State { get; set; } = state;

    public DateTimeOffset Now { get; } = now;

    /// <summary>Whether the clock has been looked at: when what costs more than an event may is done.</summary>
    public bool IsTick { get; init; }

    /// <summary>Whether the committed state has changed.</summary>
    public bool Dirty { get; set; }

    /// <summary>Whether there is something to tell that nothing rests on.</summary>
    public bool News { get; set; }

    /// <summary>What keeps the run from going on, where something does; put into words only when they are told.</summary>
    public Func<string>? Blocked { get; set; }

    public void Do(CoordinatorAction action) => actions.Add(action);

    public TaskRound Task(string alias) => State.Tasks[alias];

    public void Put(TaskRound task) => State = State with { Tasks = State.Tasks.SetItem(task.Task.Alias, task) };

    public void Put(string alias, Attempt attempt) => Put(Task(alias).With(attempt));

    /// <summary>The globals that a task reads; made once for all of its nodes.</summary>
    public ImmutableArray<GlobalEntry> GlobalsOf(string alias)
    {
        // Each commit changes them, and what a task reads changes with a commit or a round.
        var key = (alias, State.Round, State.Globals);
        if (globals is not { } known || known.Key != key)
            globals = known = (key, VisibleGlobals.Of(State, alias));
        return known.All;
    }

    /// <summary>The inputs of a task that is being scheduled; made once for all of its nodes.</summary>
    public ImmutableArray<ScheduledInput> Inputs(string alias, Func<ImmutableArray<ScheduledInput>> make)
    {
        if (inputs is not { } known || known.Key != (alias, State.Round))
            inputs = known = ((alias, State.Round), make());
        return known.Inputs;
    }

    /// <summary>The new state and the actions: what the commit no longer names, the commit, everything that rests on it.</summary>
    public (CoordinatorState State, IReadOnlyList<CoordinatorAction> Actions) End()
    {
        var hasNews = State.HasNews || News;
        if (hasNews && Now - State.Published >= NewsInterval)
            Dirty = true;
        State = Dirty ? State with { Published = Now, HasNews = false } : State with { HasNews = hasNews };
        if (!Dirty)
            return (State, actions);
        // A successor would not know of it.
        var forgotten = actions.ToLookup(a => a is CoordinatorAction.ClearGlobal);
        return (State, [.. forgotten[true], new CoordinatorAction.PublishState(StateView.Of(State)), .. forgotten[false]]);
    }
}
