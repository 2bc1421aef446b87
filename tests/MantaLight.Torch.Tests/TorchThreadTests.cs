using MantaLight.Torch.Native;

namespace MantaLight.Torch.Tests;

/// <summary>The threads on which attempts compute.</summary>
public sealed class TorchThreadTests
{
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
}
