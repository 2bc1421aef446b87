namespace MantaLight.Simulation;

/// <summary>How the participants of a crowd behave.</summary>
internal sealed record CrowdHabits
{
    public int Size { get; init; } = 1000;

    /// <summary>Over how long they join.</summary>
    public TimeSpan Joining { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>When a participant, of this number, that is asked now will have done its task.</summary>
    public Func<int, TimeSpan, TimeSpan> Ends { get; init; } = (_, now) => SameInstant(now);

    /// <summary>Whether they report and tell their records at moments of their own, as they are asked to.</summary>
    public bool HeedsSpread { get; init; } = true;

    /// <summary>The next moment that can be divided by 20 seconds.</summary>
    public static TimeSpan SameInstant(TimeSpan now) => TimeSpan.FromSeconds(20 * (Math.Floor(now.TotalSeconds / 20) + 1));
}
