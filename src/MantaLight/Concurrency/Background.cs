namespace MantaLight.Concurrency;

/// <summary>
/// Work beside the caller, on the caller's scheduler: the thread pool's in production, a simulation's where whole swarms
/// run in virtual time. Nothing in the core may leave that scheduler, or a simulated history would not repeat.
/// </summary>
internal static class Background
{
    /// <summary>How core code ignores a task's failure without leaving its scheduler.</summary>
    public const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    public static Task Run(Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Current).Unwrap();

    public static Task<T> Run<T>(Func<Task<T>> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Current).Unwrap();

    /// <summary>Cancels beside the caller: what others have registered must not run inside its loop.</summary>
    public static Task CancelBesideAsync(this CancellationTokenSource source) =>
        Task.Factory.StartNew(source.Cancel, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Current);

    /// <summary>The end of all, however they end.</summary>
    public static async Task EndOfAsync(params Task[] tasks)
    {
        foreach (var task in tasks)
            await task.ConfigureAwait(Quietly);
    }

    /// <summary>Waits for the end of a task, however it ends, and no longer than a while after it was to end; false where it goes on.</summary>
    public static async Task<bool> EndsSoonAfterAsync(this Task task, TimeSpan patience, TimeProvider time, CancellationToken stop)
    {
        await task.WaitAsync(stop).ConfigureAwait(Quietly);
        return task.IsCompleted || await task.EndsWithinAsync(patience, time);
    }

    /// <summary>Waits for the end of a task, however it ends; false when the patience is over before.</summary>
    public static async Task<bool> EndsWithinAsync(this Task task, TimeSpan patience, TimeProvider time)
    {
        await task.WaitAsync(patience, time).ConfigureAwait(Quietly);
        return task.IsCompleted;
    }
}
