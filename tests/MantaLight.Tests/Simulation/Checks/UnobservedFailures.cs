using System.Runtime.ExceptionServices;

namespace MantaLight.Simulation;

/// <summary>A task that failed, and nobody ever looked.</summary>
internal sealed record UnobservedFailure(long Seed, string Process, Exception Exception)
{
    public override string ToString() => $"A task of {Process} failed, and nobody looked: {Exception}";
}

/// <summary>
/// Finds tasks of simulated processes that failed unobserved. What a process throws is marked as its own. One that was killed
/// is not judged: whoever would have looked was killed as well.
/// </summary>
internal sealed class UnobservedFailures : IDisposable
{
    private const string Mark = "MantaLight.Simulation.Fate";

    private const int MaximumUndecided = 1000;

    private readonly Lock gate = new();
    private readonly List<(ProcessFate Fate, Exception Exception)> found = [];

    public UnobservedFailures()
    {
        AppDomain.CurrentDomain.FirstChanceException += Thrown;
        TaskScheduler.UnobservedTaskException += Unobserved;
    }

    /// <summary>What was found; to be called when nothing holds the histories any more.</summary>
    public IReadOnlyList<UnobservedFailure> Collect()
    {
        // What a finalized task refers to may be a task.
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        lock (gate)
            return [.. found.Where(f => f.Fate.HasEnded).Select(f => new UnobservedFailure(f.Fate.Seed, f.Fate.Name, f.Exception)).OrderBy(f => f.Seed)];
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.FirstChanceException -= Thrown;
        TaskScheduler.UnobservedTaskException -= Unobserved;
    }

    private static void Thrown(object? sender, FirstChanceExceptionEventArgs e)
    {
        if (SimulatedProcess.Current is { } process && e.Exception is not (OperationCanceledException or ProcessKilledException) && !e.Exception.Data.Contains(Mark))
            e.Exception.Data[Mark] = process.Fate;
    }

    private void Unobserved(object? sender, UnobservedTaskExceptionEventArgs e)
    {
        foreach (var exception in e.Exception.Flatten().InnerExceptions)
        {
            if (exception.Data[Mark] is not ProcessFate fate)
                continue;
            e.SetObserved();
            lock (gate)
            {
                // Its process may run still, and be killed or not.
                if (!fate.WasKilled)
                    found.Add((fate, exception));
                if (found.Count > MaximumUndecided)
                    found.RemoveAll(f => f.Fate.WasKilled);
            }
        }
    }
}
