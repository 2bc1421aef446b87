using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>What happens to a coordinator.</summary>
internal abstract record CoordinatorEvent
{
    /// <summary>A node's presence.</summary>
    public sealed record MemberSeen(Presence Presence) : CoordinatorEvent;

    /// <summary>A node's word about an attempt.</summary>
    public sealed record UpdateSeen(TaskUpdate Update) : CoordinatorEvent;

    /// <summary>An owner's request.</summary>
    public sealed record ControlSeen(SwarmAction Action) : CoordinatorEvent;

    /// <summary>The run is over for a reason outside it: another definition, or none.</summary>
    public sealed record RunEnded(RunStatus Status, string Reason) : CoordinatorEvent;

    /// <summary>Time has passed; with what the coordinator connection has carried.</summary>
    public sealed record Tick(Flow Traffic) : CoordinatorEvent;
}

/// <summary>What a coordinator asks its shell to do, in this order, each done before the next.</summary>
internal abstract record CoordinatorAction
{
    /// <summary>The commit: one retained publish.</summary>
    public sealed record PublishState(SwarmState State) : CoordinatorAction;

    public sealed record PublishGlobal(GlobalEntry Global) : CoordinatorAction;

    public sealed record Schedule(string Node, ScheduleAttempt Message) : CoordinatorAction;

    public sealed record Cancel(string Node, CancelAttempt Message) : CoordinatorAction;

    public sealed record CallRoll(string Node, RollCall Message) : CoordinatorAction;

    /// <summary>Remove a blob's retained chunks.</summary>
    public sealed record ClearBlob(BlobRef Blob) : CoordinatorAction;

    /// <summary>Remove a global's retained pointer.</summary>
    public sealed record ClearGlobal(string Tag) : CoordinatorAction;

    /// <summary>Nothing is left to do.</summary>
    public sealed record Leave : CoordinatorAction;
}

/// <summary>One step: the state so far and the actions that came of it.</summary>
internal sealed class Turn(CoordinatorState state, DateTimeOffset now)
{
    private readonly List<CoordinatorAction> actions = [];

    public CoordinatorState State { get; set; } = state;

    public DateTimeOffset Now { get; } = now;

    /// <summary>Whether the committed state has changed.</summary>
    public bool Dirty { get; set; }

    public void Do(CoordinatorAction action) => actions.Add(action);

    public TaskRound Task(string alias) => State.Tasks[alias];

    public void Put(TaskRound task) => State = State with { Tasks = State.Tasks.SetItem(task.Task.Alias, task) };

    public void Put(string alias, Attempt attempt) => Put(Task(alias).With(attempt));

    /// <summary>The actions, the commit before everything that rests on it.</summary>
    public IReadOnlyList<CoordinatorAction> Actions() =>
        Dirty ? [new CoordinatorAction.PublishState(StateView.Of(State)), .. actions] : actions;
}
