namespace MantaLight.Simulation;

/// <summary>Runs many histories, several at a time, each batch on threads of its own: nothing of a history may run on the pool.</summary>
internal static class Batch
{
    /// <param name="firstSeed">The first seed.</param>
    /// <param name="seeds">How many.</param>
    /// <param name="threads">How many at a time.</param>
    /// <param name="change">What is different from what the seeds say.</param>
    /// <param name="done">Told of each, one at a time; false ends the batch.</param>
    /// <param name="writesTrace">Whether what happens is written down.</param>
    public static void Run(long firstSeed, long seeds, int threads, Func<HistoryPlan, HistoryPlan> change, Func<Outcome, bool> done, bool writesTrace = false)
    {
        var next = -1L;
        var isOver = false;
        var gate = new Lock();
        void Work()
        {
            while (!Volatile.Read(ref isOver) && Interlocked.Increment(ref next) is var index && index < seeds)
            {
                var outcome = RunOne(firstSeed + index, change, writesTrace);
                lock (gate)
                {
                    if (!isOver && !done(outcome))
                        Volatile.Write(ref isOver, true);
                }
            }
        }
        using var failures = new UnobservedFailures();
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(_ => new Thread(Work))];
        foreach (var worker in workers)
            worker.Start();
        foreach (var worker in workers)
            worker.Join();
        if (isOver)
            return;
        foreach (var seen in failures.Collect())
            done(new Outcome(seen.Seed, seen.ToString(), "", [], []));
    }

    // A check that throws has met what it did not expect: a violation as well, and its seed must not get lost.
    private static Outcome RunOne(long seed, Func<HistoryPlan, HistoryPlan> change, bool writesTrace)
    {
        try
        {
            return History.Run(change(HistoryPlan.Of(seed)), writesTrace);
        }
        catch (Exception e)
        {
            return new Outcome(seed, $"The simulation itself failed: {e}", "", [], []);
        }
    }
}
