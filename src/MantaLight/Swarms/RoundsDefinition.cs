namespace MantaLight.Swarms;

/// <summary>How rounds begin, end and repeat.</summary>
public sealed record RoundsDefinition
{
    /// <summary>The last round that may run; at least 1.</summary>
    /// <value>100.</value>
    public int Maximum { get; init; } = 100;

    /// <summary>How long a node may take for a task, repetitions after errors included; above zero.</summary>
    /// <value>10 minutes.</value>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>A deadline that follows how long the task has taken of late; <see cref="Deadline"/> stays its upper bound.</summary>
    /// <value>Null: the deadline is always the same.</value>
    public AdaptiveDeadline? AdaptiveDeadline { get; init; }

    /// <summary>
    /// How many of a task's nodes must complete for the round to go on at the deadline: a part of them where it is above 0
    /// and at most 1, that many (or all, where the task has fewer) where it is a whole number from 2.
    /// </summary>
    /// <value>1.0: all of them.</value>
    public double Quorum { get; init; } = 1.0;

    /// <summary>What happens to a round that misses its quorum.</summary>
    /// <value><see cref="ShortfallPolicy.Stop"/>.</value>
    public ShortfallPolicy OnShortfall { get; init; }

    /// <summary>How many times a failed attempt is repeated on the same node (or, for <c>any</c>, on another).</summary>
    /// <value>2.</value>
    public int Retries { get; init; } = 2;

    /// <summary>
    /// In how many rounds in a row a node may fail in tasks of method <c>all</c> before it is left out of some; 0 to leave
    /// nobody out.
    /// </summary>
    /// <value>2.</value>
    public int LeaveOutAfter { get; init; } = 2;

    /// <summary>How many nodes must be eligible for the first tasks of method <c>all</c> before the swarm starts; at least 1.</summary>
    /// <value>1.</value>
    public int MinimumNodes { get; init; } = 1;
}

/// <summary>What happens to a round that misses its quorum.</summary>
public enum ShortfallPolicy
{
    /// <summary>The run ends as failed.</summary>
    Stop,

    /// <summary>The round stays open: whoever is missing gets a new deadline, again and again.</summary>
    Wait,

    /// <summary>The round is given up, and the next one begins as it did.</summary>
    Skip,
}

/// <summary>A deadline of so many times the slowest attempt of the last three rounds.</summary>
/// <param name="Factor">How many times as long; 1 to 1000.</param>
/// <param name="Floor">The shortest deadline; above zero, at most the rounds' deadline.</param>
public sealed record AdaptiveDeadline(double Factor, TimeSpan Floor)
{
    /// <summary>What a definition means that says no more than that it wants one.</summary>
    public static AdaptiveDeadline Default { get; } = new(4, TimeSpan.FromSeconds(30));
}
