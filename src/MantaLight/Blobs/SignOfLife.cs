using MantaLight.Concurrency;

namespace MantaLight.Blobs;

/// <summary>Lets long work say now and then that it goes on.</summary>
/// <param name="interval">How often.</param>
/// <param name="last">When it was last said; null to say it at once.</param>
/// <param name="time">The time.</param>
/// <param name="give">Says it.</param>
internal sealed class SignOfLife(TimeSpan interval, DateTimeOffset? last, TimeProvider time, Func<ValueTask> give)
{
    private DateTimeOffset? last = last;

    /// <summary>Says it where it is time.</summary>
    public ValueTask GiveAsync()
    {
        var now = time.SteadyNow();
        if (now - last < interval)
            return ValueTask.CompletedTask;
        last = now;
        return give();
    }
}
