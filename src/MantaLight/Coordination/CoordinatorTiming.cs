namespace MantaLight.Coordination;

/// <summary>The waits of a coordinator.</summary>
public sealed record CoordinatorTiming
{
    /// <summary>For a schedule message's acceptance, before it is sent again.</summary>
    /// <value>3 seconds.</value>
    public TimeSpan Resend { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>For a node that went offline to be back, before its work is given to another.</summary>
    /// <value>3 seconds.</value>
    public TimeSpan Offline { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>For the members' reports when a coordinator takes over.</summary>
    /// <value>1.5 seconds.</value>
    public TimeSpan RollCall { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>
    /// For a node with a data set or module that no present node has, before the definition is refused; and for the
    /// reports of committed results that a successor still needs, before their nodes make them again.
    /// </summary>
    /// <value>15 seconds.</value>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(15);
}
