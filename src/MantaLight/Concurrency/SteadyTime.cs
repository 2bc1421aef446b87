namespace MantaLight.Concurrency;

/// <summary>
/// Time that only moves forward, at its own pace: every decision rests on it. What the wall clock says is for people, since
/// somebody may set it at any moment.
/// </summary>
internal static class SteadyTime
{
    /// <summary>The time since a moment that is the process's own; only differences mean anything.</summary>
    public static DateTimeOffset SteadyNow(this TimeProvider time) => DateTimeOffset.UnixEpoch + time.GetElapsedTime(0);
}
