namespace MantaLight.Broker.Flow;

/// <summary>
/// Collects the payloads that have passed through. They are large objects, which the runtime leaves lying until as much
/// again, and more, has come as lives on: with models retained, that would be their size several times over.
/// </summary>
internal sealed class PassingMemory(TimeProvider time)
{
    private const long LeastBudget = 128 << 20;

    // Of what lives on: a collection looks at all of it.
    private const int ShareOfLiving = 4;

    // However much there is to look at, so much more time passes without a collection than with one.
    private const int PausesBetween = 20;

    private readonly Lock gate = new();
    private long budget = LeastBudget;
    private long passed;
    private long lastEnd = time.GetTimestamp();
    private TimeSpan lastPause;

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
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
        (lastEnd, lastPause) = (time.GetTimestamp(), time.GetElapsedTime(began));
        Interlocked.Exchange(ref passed, 0);
        Volatile.Write(ref budget, Math.Max(LeastBudget, GC.GetTotalMemory(forceFullCollection: false) / ShareOfLiving));
    }
}
