namespace MantaLight.Torch.Native;

/// <summary>Runs long computations on threads of their own: on the pool's they would starve the connection's callbacks.</summary>
internal static class TorchThread
{
    public static Task<T> RunAsync<T>(Func<T> work, int threads, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            () =>
            {
                TorchRuntime.UseThreads(threads);
                return work();
            },
            cancellationToken,
            TaskCreationOptions.DenyChildAttach | TaskCreationOptions.HideScheduler,
            TorchThreads.Instance);
}
