using System.Collections.Concurrent;
using MantaLight.Torch.Native;
using TorchSharp;

namespace MantaLight.Torch.Tests;

/// <summary>The threads on which attempts compute.</summary>
public sealed class TorchThreadTests
{
    // Kept from the finalizer, whose thread they are not for.
    private static readonly ConcurrentBag<IDisposable> Unfinished = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_computation_has_a_thread_to_itself_outside_the_pool_with_its_own_number_of_threads()
    {
        using var both = new Barrier(2);
        var found = await Task.WhenAll(Enumerable.Range(1, 2).Select(threads => TorchThread.RunAsync(
            () =>
            {
                both.SignalAndWait(Cancelled);
                return (Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread, TorchSharp.torch.get_num_threads());
            },
            threads,
            Cancelled)));
        Assert.NotEqual(found[0].CurrentManagedThreadId, found[1].CurrentManagedThreadId);
        Assert.All(found, f => Assert.False(f.IsThreadPoolThread));
        Assert.Equal([1, 2], found.Select(f => f.Item3));
    }

    [Fact]
    public async Task A_computation_that_throws_fails_alone()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => TorchThread.RunAsync<int>(() => throw new InvalidOperationException("no"), 1, Cancelled));
        Assert.Equal(7, await TorchThread.RunAsync(() => 7, 1, Cancelled));
    }

    [Fact]
    public async Task What_awaits_a_computation_does_not_go_on_on_its_thread()
    {
        using var go = new ManualResetEventSlim();
        var computing = TorchThread.RunAsync(
            () =>
            {
                go.Wait(Cancelled);
                return Environment.CurrentManagedThreadId;
            },
            1,
            Cancelled);
        var after = computing.ContinueWith(_ => Environment.CurrentManagedThreadId, Cancelled, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        go.Set();
        Assert.NotEqual(await computing, await after);
    }

    [Fact]
    public async Task One_after_the_other_they_share_threads()
    {
        var threads = new HashSet<int>();
        for (var i = 0; i < 50; i++)
        {
            // On the pool again, or the computation before would still hold its thread.
            threads.Add(await Task.Run(() => TorchThread.RunAsync(() => Environment.CurrentManagedThreadId, 1, Cancelled), Cancelled));
            await Task.Yield();
        }
        Assert.InRange(threads.Count, 1, 25);
    }

    [Theory]
    [InlineData("gradients off")]
    [InlineData("a scope")]
    [InlineData("inference")]
    [InlineData("gradients off", true)]
    public async Task What_a_computation_leaves_on_its_thread_is_not_there_for_the_next(string left, bool fails = false)
    {
        for (var i = 0; i < 20; i++)
        {
            var leaving = Task.Run(() => TorchThread.RunAsync(() => Leave(left, fails), 1, Cancelled), Cancelled);
            await Task.WhenAny(leaving);
            Assert.Equal(!fails, leaving.IsCompletedSuccessfully);
            await Task.Yield();

            var (hasGradients, isInference, inScopes) = await Task.Run(() => TorchThread.RunAsync(Find, 1, Cancelled), Cancelled);

            Assert.True(hasGradients);
            Assert.False(isInference);
            Assert.Equal(0, inScopes);
        }
    }

    private static int Leave(string what, bool fails)
    {
        switch (what)
        {
            case "gradients off":
                torch.set_grad_enabled(false);
                break;
            case "a scope":
                torch.NewDisposeScope();
                break;
            default:
                Unfinished.Add(torch.inference_mode());
                break;
        }
        return fails ? throw new InvalidOperationException("no") : 1;
    }

    private static (bool HasGradients, bool IsInference, long InScopes) Find()
    {
        var before = DisposeScopeManager.Statistics.CreatedInScopeCount;
        using var tensor = torch.empty(0);
        return (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), DisposeScopeManager.Statistics.CreatedInScopeCount - before);
    }
}
