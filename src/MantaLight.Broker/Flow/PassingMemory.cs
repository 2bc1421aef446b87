namespace MantaLight.Broker.Flow;

/// <summary>
/// Collects the payloads that have passed through. They are large objects, which the runtime leaves lying until as much
/// again, and more, has come as lives on: with models retained, that would be their size several times over.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="collect">Collects, and tells how many bytes live on.</param>
internal sealed class PassingMemory(TimeProvider time, Func<long> collect)
{
    /// <summary>So many bytes may pass in any case.</summary>
    public const long LeastBudget = 128 << 20;

    // Of what lives on: a collection looks at all of it.
    private const int ShareOfLiving = 8;

    // However much there is to look at, so much more time passes without a collection than with one.
    private const int PausesBetween = 20;

    private readonly Lock gate = new();
    private long budget = LeastBudget;
    private long passed;
    private long lastEnd = time.GetTimestamp();
    private TimeSpan lastPause;

    /// <summary>That of this process.</summary>
    public PassingMemory(TimeProvider time)
        : this(time, CollectAll)
    {
    }

    /// <summary>Notes a payload that came in; every so many bytes, what nobody needs any more is collected.</summary>
    public void Note(long bytes)
    {
        if (Interlocked.Add(ref passed, bytes) < Volatile.Read(ref budget) || !gate.TryEnter())
            return;
        try
        {
            if (passed < budget || time.GetElapsedTime(lastEnd) < PausesBetween * lastPause)
                return;
            Collect();
        }
        finally
        {
            gate.Exit();
        }
    }

    private void Collect()
    {
        var began = time.GetTimestamp();
        var living = collect();
        (lastEnd, lastPause) = (time.GetTimestamp(), time.GetElapsedTime(began));
        Interlocked.Exchange(ref passed, 0);
        Volatile.Write(ref budget, Math.Max(LeastBudget, living / ShareOfLiving));
    }

    private static long CollectAll()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
        return GC.GetTotalMemory(forceFullCollection: false);
    }
}
