namespace MantaLight.Coordination;

/// <summary>The waits of an election.</summary>
public sealed record ElectionTiming
{
    /// <summary>Between two signs of life.</summary>
    /// <value>5 seconds.</value>
    public TimeSpan Beat { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many beats may be missed.</summary>
    /// <value>3.</value>
    public int MissedBeats { get; init; } = 3;

    /// <summary>After the broker's word that the coordinator is lost: brokers that ignore will delays say so too early.</summary>
    /// <value>10 seconds.</value>
    public TimeSpan Lost { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For each place in the order of succession.</summary>
    /// <value>2 seconds.</value>
    public TimeSpan Rank { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Before the first claim of a swarm that nobody has coordinated yet.</summary>
    /// <value>0.3 seconds.</value>
    public TimeSpan First { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>For the retained claim to arrive on the coordinator connection.</summary>
    /// <value>0.5 seconds.</value>
    public TimeSpan ReadBack { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Between reading back one's own claim and acting on it.</summary>
    /// <value>0.5 seconds.</value>
    public TimeSpan Grace { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Before a coordinator that lost its connection tries again: this, plus up to four times as much.</summary>
    /// <value>1 second.</value>
    public TimeSpan Retry { get; init; } = TimeSpan.FromSeconds(1);
}
