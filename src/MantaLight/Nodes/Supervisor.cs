using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>Knows the work that goes on beside the node's loop: none is forgotten, none fails unseen.</summary>
internal sealed class Supervisor(ILogger logger)
{
    private readonly HashSet<Task> work = [];
    private readonly Lock gate = new();

    public void Watch(Task task)
    {
        lock (gate)
            work.Add(task);
        _ = SeeOutAsync(task);
    }

    /// <summary>Waits for what is under way, for at most 12 seconds.</summary>
    public async Task DrainAsync(TimeProvider time)
    {
        Task[] left;
        lock (gate)
            left = [.. work];
        await Task.WhenAll(left).EndsWithinAsync(TimeSpan.FromSeconds(12), time);
    }

    /// <summary>Never fails: whatever the task ends with is told here.</summary>
    private async Task SeeOutAsync(Task task)
    {
        await task.ConfigureAwait(Background.Quietly);
        lock (gate)
            work.Remove(task);
        if (task.Exception is { } failure)
            Log.EventFailed(logger, failure.InnerException ?? failure, "background work");
    }
}
