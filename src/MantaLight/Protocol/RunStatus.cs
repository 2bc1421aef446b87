using System.Text.Json.Serialization;

namespace MantaLight.Protocol;

/// <summary>A run's condition.</summary>
[JsonConverter(typeof(SnakeCaseEnum<RunStatus>))]
public enum RunStatus
{
    /// <summary>Waiting for enough nodes, or running the setup task.</summary>
    Starting,

    /// <summary>Rounds are under way.</summary>
    Running,

    /// <summary>Held by its owner.</summary>
    Paused,

    /// <summary>Ended as it should: converged, or all rounds done.</summary>
    Completed,

    /// <summary>Ended by its owner or by a task without reaching its goal.</summary>
    Stopped,

    /// <summary>Ended because a task could not be done.</summary>
    Failed,

    /// <summary>Never started: the definition cannot run.</summary>
    Refused,

    /// <summary>Ended by another definition.</summary>
    Superseded,

    /// <summary>The definition was removed, and what the swarm has on the broker is being cleared.</summary>
    Removing,

    /// <summary>The definition was removed, and nothing else is left; this is the tombstone.</summary>
    Removed,
}

/// <summary>Sorts of <see cref="RunStatus"/>.</summary>
public static class RunStatuses
{
    /// <summary>Whether the run has ended.</summary>
    public static bool IsFinal(this RunStatus status) => status > RunStatus.Paused;

    /// <summary>Whether the swarm's definition was removed.</summary>
    public static bool IsRemoval(this RunStatus status) => status is RunStatus.Removing or RunStatus.Removed;

    /// <summary>Whether the run has ended without having done all that it was to do, so that its owner can let it go on.</summary>
    public static bool CanGoOn(this RunStatus status) => status is RunStatus.Stopped or RunStatus.Failed;
}
