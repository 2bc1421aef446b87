namespace MantaLight.Cli.Chaos.Plan;

/// <summary>Who is struck.</summary>
internal enum FaultRole
{
    /// <summary>A node with a part in a task for all nodes.</summary>
    Worker,

    /// <summary>The aggregator's host.</summary>
    Aggregator,

    /// <summary>The scheduler's host.</summary>
    Scheduler,

    /// <summary>The coordinator's host.</summary>
    Coordinator,

    /// <summary>A node that reads what others have made.</summary>
    Reader,

    /// <summary>A node that makes something large: a worker of the first tasks, or the aggregator's host.</summary>
    Writer,

    /// <summary>No node in particular.</summary>
    Everybody,
}
