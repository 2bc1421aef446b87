using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Native;

/// <summary>Runs long computations on threads of their own: on the pool's they would starve the connection's callbacks.</summary>
internal static class TorchThread
{
    public static Task<T> RunAsync<T>(Func<T> work, int threads, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            () =>
            {
                TorchRuntime.UseThreads(threads);
                try
                {
                    return work();
                }
                finally
                {
                    if (!IsAsNew())
                        TorchThreads.GiveUp();
                }
            },
            cancellationToken,
            // What awaits it must not go on here, where it could leave behind what was just looked for.
            TaskCreationOptions.DenyChildAttach | TaskCreationOptions.HideScheduler | TaskCreationOptions.RunContinuationsAsynchronously,
            TorchThreads.Instance);

    // What torch and TorchSharp keep for each thread, and a task's own code may have left behind.
    private static bool IsAsNew()
    {
        // TorchSharp does not say whether a scope is open; a tensor shows it.
        var before = DisposeScopeManager.Statistics.CreatedInScopeCount;
        using (empty(0))
            return is_grad_enabled() && !is_inference_mode_enabled() && DisposeScopeManager.Statistics.CreatedInScopeCount == before;
    }
}
