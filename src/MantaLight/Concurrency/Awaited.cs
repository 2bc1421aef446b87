namespace MantaLight.Concurrency;

/// <summary>One thing that one reader waits for, for a while.</summary>
internal sealed class Awaited<T>
    where T : class
{
    private readonly TaskCompletionSource<T?> source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Gives it; false where it is there already, or the reader has gone.</summary>
    public bool TrySet(T value) => source.TrySetResult(value);

    /// <summary>Waits for it; null when the patience is over.</summary>
    public async Task<T?> WaitAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var timer = time.CreateTimer(_ => source.TrySetResult(null), null, patience, Timeout.InfiniteTimeSpan);
        await using var cancelled = cancellationToken.UnsafeRegister((_, token) => source.TrySetCanceled(token), null);
        return await source.Task;
    }
}
