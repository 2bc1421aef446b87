using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>What an attempt is known to be doing.</summary>
internal enum AttemptStatus
{
    Accepted,
    Running,
    Completed,
    Failed,
}

/// <summary>One change in a watched run that is worth telling.</summary>
internal abstract record Happening
{
    /// <summary>An attempt's status changed; with why, where it failed.</summary>
    public sealed record TaskChanged(int Round, string Alias, string Node, AttemptStatus Status, string? Reason) : Happening;

    /// <summary>A round is over.</summary>
    public sealed record RoundFinished(RoundView Round) : Happening;

    /// <summary>So many of a task's nodes have completed.</summary>
    public sealed record Progressed(int Round, string Alias, int Done, int Of) : Happening;

    /// <summary>Something that is not as it should be.</summary>
    public sealed record Trouble(string Text) : Happening;

    /// <summary>A round is kept in a file.</summary>
    public sealed record CheckpointWritten(int Round, string Path) : Happening;

    /// <summary>The swarm has been waiting for a while, or nobody is there who could go on with it.</summary>
    public sealed record Waiting(string Reason) : Happening;

    /// <summary>Who was missing is there again.</summary>
    public sealed record Back(string Text) : Happening;

    /// <summary>The run's condition changed.</summary>
    public sealed record StatusChanged(RunStatus Status, string? Reason) : Happening;
}
