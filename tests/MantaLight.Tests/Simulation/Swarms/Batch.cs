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
        Exception? failure = null;
        var gate = new Lock();
        void Work()
        {
            try
            {
                while (!Volatile.Read(ref isOver) && Interlocked.Increment(ref next) is var index && index < seeds)
                {
                    var outcome = History.Run(change(HistoryPlan.Of(firstSeed + index)), writesTrace);
                    lock (gate)
                    {
                        if (!isOver && !done(outcome))
                            Volatile.Write(ref isOver, true);
                    }
                }
            }
            catch (Exception e)
            {
                (failure, isOver) = (e, true);
            }
        }
        using var failures = new UnobservedFailures();
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(_ => new Thread(Work))];
        foreach (var worker in workers)
            worker.Start();
        foreach (var worker in workers)
            worker.Join();
        if (failure is not null)
            throw new InvalidOperationException("The simulation itself failed.", failure);
        if (isOver)
            return;
        foreach (var seen in failures.Collect())
            done(new Outcome(seen.Seed, seen.ToString(), "", [], []));
    }
}
