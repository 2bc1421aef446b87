using System.Runtime.ExceptionServices;

namespace MantaLight.Concurrency;

/// <summary>Work that several threads do at once.</summary>
internal static class Workers
{
    /// <summary>Bytes below which one thread has done with them before another is there.</summary>
    private const long Least = 1 << 20;

    /// <summary>The most threads: memory is what limits all of them.</summary>
    public static int Most => Math.Min(Environment.ProcessorCount, 8);

    /// <summary>How many threads so many bytes are worth.</summary>
    public static int For(long bytes) => (int)Math.Clamp(bytes / Least, 1, Most);

    /// <summary>Calls <paramref name="work"/> with 0, 1, … and returns when all calls have; one worker is the calling thread.</summary>
    public static void Run(int workers, Action<int> work)
    {
        if (workers == 1)
        {
            work(0);
            return;
        }
        try
        {
            Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, work);
        }
        catch (AggregateException e)
        {
            // As one worker would have thrown it.
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}
