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

    /// <summary>The run is over for a reason outside it: another definition, by its hash, or none.</summary>
    public sealed record RunEnded(RunStatus Status, string Reason, string? By = null) : CoordinatorEvent;

    /// <summary>A replaced global's chunks are off the broker.</summary>
    public sealed record BlobCleared(BlobRef Blob) : CoordinatorEvent;

    /// <summary>A committed global is nowhere to be had, neither on the broker nor from a member that is there; or it is again.</summary>
    public sealed record GlobalMissed(string Hash, bool IsMissing) : CoordinatorEvent;

    /// <summary>A member remembers a run of a higher start, of whatever definition.</summary>
    public sealed record StartRemembered(int Start) : CoordinatorEvent;

    /// <summary>A state of a lower authority stands, or has stood, in place of this coordinator's.</summary>
    public sealed record StateOverwritten : CoordinatorEvent;

    /// <summary>Time has passed; with what the coordinator connection has carried.</summary>
    public sealed record Tick(Flow Traffic) : CoordinatorEvent;
}

/// <summary>
/// What a coordinator asks its shell to do, in this order, the state done before the next; messages and pointers are sent in turn
/// without waiting for the broker's word on each, which would take a minute for a thousand nodes on a slow line.
/// </summary>
internal abstract record CoordinatorAction
{
    /// <summary>The commit: one retained publish.</summary>
    public sealed record PublishState(SwarmState State) : CoordinatorAction;

    public sealed record PublishGlobal(GlobalEntry Global) : CoordinatorAction;

    public sealed record Schedule(string Node, ScheduleAttempt Message) : CoordinatorAction;

    public sealed record Cancel(string Node, CancelAttempt Message) : CoordinatorAction;

    public sealed record FetchAhead(string Node, Protocol.FetchAhead Message) : CoordinatorAction;

    public sealed record CallRoll(string Node, RollCall Message) : CoordinatorAction;

    /// <summary>Remove a blob's retained chunks.</summary>
    public sealed record ClearBlob(BlobRef Blob) : CoordinatorAction;

    /// <summary>Remove a global's retained pointer.</summary>
    public sealed record ClearGlobal(string Tag) : CoordinatorAction;

    /// <summary>Remove all that the swarm has on the broker; the tombstone comes last.</summary>
    public sealed record Remove : CoordinatorAction;

    /// <summary>Nothing is left to do.</summary>
    public sealed record Leave : CoordinatorAction;
}
