namespace MantaLight.Concurrency;

/// <summary>
/// Time that only moves forward, at its own pace: every decision rests on it. What the wall clock says is for people, since
/// somebody may set it at any moment.
/// </summary>
internal static class SteadyTime
{
    /// <summary>The time since a moment that is the process's own; only differences mean anything.</summary>
    // In whole numbers: a double is too short for the ticks of some clocks.
    public static DateTimeOffset SteadyNow(this TimeProvider time) =>
        DateTimeOffset.UnixEpoch.AddTicks((long)((Int128)time.GetTimestamp() * TimeSpan.TicksPerSecond / time.TimestampFrequency));
}
