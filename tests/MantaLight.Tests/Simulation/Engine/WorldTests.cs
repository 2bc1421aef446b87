using MantaLight.Storage;
namespace MantaLight.Simulation;

/// <summary>The simulation's own ground: if it were not deterministic or let work escape, no history would mean anything.</summary>
public sealed class WorldTests
{
    private readonly World world = new(1);

    [Fact]
    public void Time_passes_only_when_nothing_is_ready()
    {
        var process = new SimulatedProcess(world, "p", TimeSpan.Zero);
        var done = TimeSpan.Zero;
        process.Start(async () =>
        {
            await Task.Delay(TimeSpan.FromHours(1), process.Clock);
            await Task.Yield();
            await Task.Delay(TimeSpan.FromHours(1), process.Clock);
        }, _ => done = world.Now);
        Assert.True(world.Run(() => done > TimeSpan.Zero, TimeSpan.FromDays(1)));
        Assert.Equal(TimeSpan.FromHours(2), done);
    }

    [Fact]
    public async Task Work_that_leaves_for_the_pool_is_found_out()
    {
        var (back, left) = (new TaskCompletionSource(), new TaskCompletionSource<World>());
        using var open = new ManualResetEventSlim();
        // A thread of its own, which the pool cannot take the work to.
        var thread = new Thread(() =>
        {
            var own = new World(1);
            var process = new SimulatedProcess(own, "p", TimeSpan.Zero);
            own.At(TimeSpan.FromSeconds(5), () => { });
            process.Start(() => Escape(process), _ => { });
            own.Run(() => false, TimeSpan.FromSeconds(1));
            left.SetResult(own);
        });
        thread.Start();
        var abandoned = await left.Task.WaitAsync(TimeSpan.FromSeconds(10));
        open.Set();
        await back.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Contains("left the simulation", abandoned.Failure, StringComparison.Ordinal);

        async Task Escape(SimulatedProcess process)
        {
            await Task.Run(open.Wait).ConfigureAwait(false);
            try
            {
                _ = process.Clock.GetTimestamp();
            }
            finally
            {
                back.SetResult();
            }
        }
    }

    [Fact]
    public void A_killed_process_does_nothing_more_and_a_paused_one_does_it_later()
    {
        var (killed, paused) = (new SimulatedProcess(world, "killed", TimeSpan.Zero), new SimulatedProcess(world, "paused", TimeSpan.Zero));
        var ticks = new List<(string Who, double At)>();
        foreach (var process in new[] { killed, paused })
        {
            process.Start(async () =>
            {
                for (var i = 0; i < 3; i++)
                {
                    await Task.Delay(TimeSpan.FromSeconds(1), process.Clock);
                    ticks.Add((process.Name, world.Now.TotalSeconds));
                }
            }, _ => { });
        }
        world.At(TimeSpan.FromSeconds(1.5), killed.Kill);
        world.At(TimeSpan.FromSeconds(1.5), paused.Pause);
        world.At(TimeSpan.FromSeconds(10), paused.Continue);
        world.At(TimeSpan.FromSeconds(20), () => { });
        world.Run(() => world.Now >= TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(20));
        Assert.Equal([("killed", 1), ("paused", 1), ("paused", 10), ("paused", 11)], ticks.OrderBy(t => t.At).ThenBy(t => t.Who));
    }

    [Fact]
    public void A_clock_that_jumps_moves_no_timer()
    {
        var process = new SimulatedProcess(world, "p", TimeSpan.FromMinutes(-3));
        var began = process.Clock.GetUtcNow();
        world.At(TimeSpan.FromSeconds(1), () => process.Clock.Skew += TimeSpan.FromDays(2));
        var ended = false;
        process.Start(() => Task.Delay(TimeSpan.FromSeconds(5), process.Clock), _ => ended = true);
        world.Run(() => ended, TimeSpan.FromMinutes(1));
        Assert.Equal((TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5) + TimeSpan.FromDays(2)), (world.Now, process.Clock.GetUtcNow() - began));
    }

    [Fact]
    public void Nothing_due_is_a_failure_and_not_a_silent_end()
    {
        world.Run(() => false, TimeSpan.FromDays(1));
        Assert.Contains("Nothing is ready", world.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disk_keeps_what_was_flushed_through_the_loss_of_power()
    {
        var disk = new SimulatedDisk(world, new Draw(7));
        var mounted = disk.Mount(new SimulatedProcess(world, "p", TimeSpan.Zero));
        mounted.Write("a/kept", [1, 2, 3], Flush.First);
        for (var i = 0; i < 20; i++)
        {
            using var draft = mounted.Create("a", 4);
            draft.Write(0, [1, 2, 3, 4]);
            draft.Keep($"a/{i}", Flush.Sometime);
        }
        using (var unnamed = mounted.Create("a", 4))
            unnamed.Write(0, [1, 2, 3, 4]);
        disk.LosePower();
        var left = mounted.List("a").Select(f => mounted.Read(f.Name, 10)!.Length).ToArray();
        Assert.Equal([1, 2, 3], mounted.Read("a/kept", 10));
        Assert.Contains(4, left);
        Assert.Contains(left, length => length is 1 or 2 or 0);
        Assert.InRange(left.Length, 2, 20);
    }

    [Fact]
    public void A_full_disk_takes_nothing_and_keeps_what_it_has()
    {
        var disk = new SimulatedDisk(world, new Draw(7));
        var mounted = disk.Mount(new SimulatedProcess(world, "p", TimeSpan.Zero));
        mounted.Write("a/b", [1], Flush.First);
        disk.IsFull = true;
        Assert.Throws<IOException>(() => mounted.Write("a/b", [2], Flush.First));
        Assert.Equal([1], mounted.Read("a/b", 10));
    }
}
